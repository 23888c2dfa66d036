package io.github.jrerank.opensearch.client;

/** Opens after so many failures in a row. Time is nanoseconds on a clock of the caller's. */
final class Breaker {
    private static final int MAX_DOUBLINGS = 5;

    private final int threshold;
    private final long intervalNanos;
    private int failuresInARow;
    private boolean open;
    private int doublings = -1;
    private long retryNanos;

    Breaker(int threshold, long intervalNanos) {
        this.threshold = threshold;
        this.intervalNanos = intervalNanos;
    }

    synchronized boolean isOpen() {
        return open;
    }

    synchronized int failuresInARow() {
        return failuresInARow;
    }

    /** Whether this success is the one that closes it. */
    synchronized boolean succeed() {
        boolean closes = open;
        failuresInARow = 0;
        doublings = -1;
        open = false;
        return closes;
    }

    /** Whether this failure is the one that opens it. */
    synchronized boolean fail(long nowNanos) {
        failuresInARow++;
        if (open || failuresInARow < threshold) {
            return false;
        }
        open = true;
        doublings = Math.min(doublings + 1, MAX_DOUBLINGS);
        retryNanos = nowNanos + (intervalNanos << doublings);
        return true;
    }

    /** Closes it on trial, the next failure opens it again; each time it has to wait twice as long. Whether that was so. */
    synchronized boolean tryAgain(long nowNanos) {
        if (open == false || nowNanos - retryNanos < 0) {
            return false;
        }
        open = false;
        failuresInARow = threshold - 1;
        return true;
    }
}
