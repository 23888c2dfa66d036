package io.github.jrerank.opensearch.pipeline;

import java.util.concurrent.TimeUnit;
import java.util.function.IntToLongFunction;
import java.util.function.LongSupplier;

/**
 * The node's time for what is fetched and read beyond callers' own searches, as a token bucket, so that reranking doesn't keep the node
 * so busy that searches wait. Nobody has to release anything, since a search may end unseen.
 *
 * Time is the clock's, not the processor's: on a busy node the same work takes longer and costs more, so that less of it is done. What was
 * drawn is compared with the time of the search as a whole: where shards work in parallel, more is given back than was left over, and the
 * node may spend more than its share. A search that fails gives nothing back. The node that pays is the one that coordinates the search,
 * whichever nodes fetch for it.
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
    private volatile long scarceUntilNanos;

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
     * @param nanosOf how long so many hits take, which is 0 for any number of them or for none
     */
    Draw draw(int fewest, int most, IntToLongFunction nanosOf) {
        if (nanosOf.applyAsLong(most) == 0) {
            return new Draw(most, 0, isScarceAt(nanoTime.getAsLong())); // most searches, which don't wait for each other
        }
        return drawTime(Math.max(1, fewest), most, nanosOf);
    }

    private synchronized Draw drawTime(int fewest, int most, IntToLongFunction nanosOf) {
        fill();
        for (int hits = most; hits > 0; hits = next(hits, fewest)) {
            long nanos = nanosOf.applyAsLong(hits);
            if (hasTimeFor(nanos, hits <= fewest)) {
                leftNanos -= nanos;
                return new Draw(hits, nanos, isScarceAfter(hits < most));
            }
        }
        return new Draw(0, 0, isScarceAfter(true));
    }

    /**
     * The fewest are drawn on credit from whatever is left. If they had to wait for a full bucket, an index whose few hits take longer than
     * may be spent at once would wait for ever beside a cheap one; its price would not fall either, since that is learned by fetching.
     */
    private boolean hasTimeFor(long nanos, boolean isFewest) {
        return Math.min(nanos, burstNanos) <= leftNanos || isFewest && leftNanos > 0;
    }

    private boolean isScarceAfter(boolean isShort) {
        if (isShort) {
            scarceUntilNanos = filledNanos + SCARCE_NANOS;
        }
        return isScarceAt(filledNanos);
    }

    private boolean isScarceAt(long nanos) {
        return nanos - scarceUntilNanos < 0;
    }

    private static int next(int hits, int fewest) {
        return hits <= fewest ? 0 : Math.max(fewest, FetchCosts.stepBelow(hits - 1));
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
