package io.github.jrerank.opensearch.client;

/** Opens after so many failures in a row, and stays open until a probe succeeds. */
final class Breaker {
    private final int threshold;
    private int failuresInARow;
    private boolean open;

    Breaker(int threshold) {
        this.threshold = threshold;
    }

    synchronized boolean isOpen() {
        return open;
    }

    synchronized int failuresInARow() {
        return failuresInARow;
    }

    synchronized void succeeded() {
        failuresInARow = 0;
        open = false;
    }

    /** Whether this failure is the one that opens it. */
    synchronized boolean failed() {
        failuresInARow++;
        if (open || failuresInARow < threshold) {
            return false;
        }
        open = true;
        return true;
    }
}
