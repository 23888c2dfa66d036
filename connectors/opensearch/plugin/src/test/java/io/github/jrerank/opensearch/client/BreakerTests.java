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
    void aSuccessCloses() {
        for (int i = 0; i < 3; i++) {
            breaker.failed();
        }
        breaker.succeeded();
        assertFalse(breaker.isOpen());
    }
}
