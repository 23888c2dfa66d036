package io.github.jrerank.opensearch.client;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class BreakerTests {
    private static final long INTERVAL = 1_000;
    private final Breaker breaker = new Breaker(3, INTERVAL);

    @Test
    void opensOnceAtTheThreshold() {
        assertFalse(breaker.fail(0));
        assertFalse(breaker.fail(0));
        assertFalse(breaker.isOpen());
        assertTrue(breaker.fail(0));
        assertTrue(breaker.isOpen());
        assertFalse(breaker.fail(0));
    }

    @Test
    void onlyFailuresInARowCount() {
        breaker.fail(0);
        breaker.fail(0);
        assertFalse(breaker.succeed());
        assertFalse(breaker.fail(0));
        assertFalse(breaker.isOpen());
    }

    private void open(long now) {
        while (breaker.isOpen() == false) {
            breaker.fail(now);
        }
    }

    @Test
    void aSuccessCloses() {
        open(0);
        assertTrue(breaker.succeed());
        assertFalse(breaker.isOpen());
    }

    @Test
    void closedOnTrialItOpensAtTheNextFailureAndWaitsTwiceAsLong() {
        open(0);
        assertFalse(breaker.tryAgain(INTERVAL - 1));
        assertTrue(breaker.tryAgain(INTERVAL));
        assertFalse(breaker.isOpen());
        assertTrue(breaker.fail(INTERVAL));
        assertFalse(breaker.tryAgain(3 * INTERVAL - 1));
        assertTrue(breaker.tryAgain(3 * INTERVAL));
    }

    @Test
    void aSuccessOnTrialForgetsTheWaiting() {
        open(0);
        breaker.tryAgain(INTERVAL);
        breaker.succeed();
        open(0);
        assertTrue(breaker.tryAgain(INTERVAL));
    }
}
