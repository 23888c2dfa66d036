package io.github.jrerank.opensearch.pipeline;

import java.util.concurrent.TimeUnit;
import java.util.function.IntToLongFunction;
import java.util.function.LongSupplier;

/**
 * The node's time for what is fetched and read beyond callers' own searches, as a token bucket, so that reranking doesn't keep the node
 * so busy that searches wait. Nobody has to release anything, since a search may end unseen.
 *
 * Time is the clock's, not the processor's: on a busy node the same work takes longer and costs more, so that less of it is done.
 */
final class FetchBudget {
    /** Of the node's processors. */
    static final double PROCESSORS_SHARE = 0.5;
    /** Whoever searches alone, one search after another, is never short of it: none takes longer than it takes. */
    static final double LEAST_PROCESSORS = 1;
    /** So much of each processor's time may be spent at once. */
    static final long BURST_NANOS_PER_PROCESSOR = TimeUnit.MILLISECONDS.toNanos(100);
    /** So long after a search that wanted more the node counts as busy. */
    static final long SCARCE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final LongSupplier nanoTime;
    private final long burstNanos;
    private final double processors;
    private double leftNanos;
    private long filledNanos;
    private long scarceUntilNanos;

    /** @param nanoTime the clock, such as System::nanoTime */
    FetchBudget(int processors, LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.burstNanos = processors * BURST_NANOS_PER_PROCESSOR;
        this.processors = Math.max(LEAST_PROCESSORS, processors * PROCESSORS_SHARE);
        this.leftNanos = burstNanos;
        this.filledNanos = nanoTime.getAsLong();
        this.scarceUntilNanos = filledNanos;
    }

    /**
     * What was drawn for a search.
     *
     * @param hits how many may be fetched for it, or 0
     * @param isScarce whether the node is busy with the same for others
     */
    record Draw(int hits, long nanos, boolean isScarce) {}

    /**
     * Draws the time for as many hits as there is time for. A full bucket has it for whatever one search wants, on credit.
     *
     * @param fewest with less there is nothing to rerank
     * @param most as many as are wanted
     * @param nanosOf how long so many hits take
     */
    synchronized Draw draw(int fewest, int most, IntToLongFunction nanosOf) {
        fill();
        for (int hits = most; hits > 0; hits = next(hits, fewest)) {
            long nanos = nanosOf.applyAsLong(hits);
            if (nanos == 0 || Math.min(nanos, burstNanos) <= leftNanos) {
                leftNanos -= nanos;
                return new Draw(hits, nanos, isScarce(hits < most));
            }
        }
        return new Draw(0, 0, isScarce(true));
    }

    private boolean isScarce(boolean isShort) {
        if (isShort) {
            scarceUntilNanos = filledNanos + SCARCE_NANOS;
        }
        return filledNanos - scarceUntilNanos < 0;
    }

    private static int next(int hits, int fewest) {
        return hits <= Math.max(1, fewest) ? 0 : Math.max(fewest, FetchCosts.stepBelow(hits - 1));
    }

    /** Gives back what was drawn for a search beyond the time that it took as a whole. */
    synchronized void refund(long drawnNanos, long tookNanos) {
        fill();
        leftNanos = Math.min(burstNanos, leftNanos + Math.max(0, drawnNanos - tookNanos));
    }

    private void fill() {
        long now = nanoTime.getAsLong();
        leftNanos = Math.min(burstNanos, leftNanos + (now - filledNanos) * processors);
        filledNanos = now;
    }
}
