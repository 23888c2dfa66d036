package io.github.jrerank.opensearch.client;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class BreakerTests {
    private final Breaker breaker = new Breaker(3);

    @Test
    void opensOnceAtTheThreshold() {
        assertFalse(breaker.failed());
        assertFalse(breaker.failed());
        assertFalse(breaker.isOpen());
        assertTrue(breaker.failed());
        assertTrue(breaker.isOpen());
        assertFalse(breaker.failed());
    }

    @Test
    void onlyFailuresInARowCount() {
        breaker.failed();
        breaker.failed();
        breaker.succeeded();
        assertFalse(breaker.failed());
        assertFalse(breaker.isOpen());
    }

    @Test
    void oneRowOfProbesAtATime() {
        assertFalse(breaker.beginsProbes());
        open();
        assertTrue(breaker.beginsProbes());
        breaker.succeeded();
        open();
        assertFalse(breaker.beginsProbes());
        assertTrue(breaker.goesOnProbing());
        breaker.succeeded();
        assertFalse(breaker.goesOnProbing());
        open();
        assertTrue(breaker.beginsProbes());
    }

    private void open() {
        for (int i = 0; i < 3; i++) {
            breaker.failed();
        }
    }

    @Test
    void aSuccessCloses() {
        open();
        breaker.succeeded();
        assertFalse(breaker.isOpen());
    }
}
