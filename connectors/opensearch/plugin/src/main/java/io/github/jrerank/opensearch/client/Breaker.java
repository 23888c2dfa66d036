package io.github.jrerank.opensearch.client;

/** Opens after so many failures in a row, and stays open until a probe succeeds; there is one row of probes at a time. */
final class Breaker {
    private final int threshold;
    private int failuresInARow;
    private boolean open;
    private boolean probed;

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

    /** Whether a row of probes is to begin: the last one may still be under way, where a search has closed this meanwhile. */
    synchronized boolean beginsProbes() {
        boolean begins = open && probed == false;
        probed |= begins;
        return begins;
    }

    /** Whether the row goes on. */
    synchronized boolean goesOnProbing() {
        probed = open;
        return open;
    }
}
