package io.github.jrerank.opensearch.pipeline;

/**
 * What hits have cost.
 *
 * @param bytes of the sources that were fetched of all of them
 * @param readNanos how long it took to read the passages in these, which is as much work as a shard's with them
 */
record HitCost(int hits, long bytes, long readNanos) {
    /** So that one search during a pause of the node says little, and load that rises or falls counts within a few. */
    private static final double OF_NEWEST = 0.3;
    /** A change below these counts as none, so that the windows of one caller's pages are the same. */
    private static final double SAME_BYTES = 0.7;
    private static final double SAME_NANOS = 0.6;

    HitCost plus(HitCost other) {
        return new HitCost(hits + other.hits, bytes + other.bytes, readNanos + other.readNanos);
    }

    double bytesEach() {
        return (double) bytes / Math.max(1, hits);
    }

    double readNanosEach() {
        return (double) readNanos / Math.max(1, hits);
    }

    /** Of one hit each: what was known, and what is seen now. Sizes fall slowly and rise at once: too many large ones fill the heap. */
    HitCost then(HitCost now) {
        double bytesNow = Math.max(now.bytesEach(), mean(bytesEach(), now.bytesEach()));
        return new HitCost(1, Math.round(bytesNow), Math.round(mean(readNanosEach(), now.readNanosEach())));
    }

    /** What to go by, now that this was found, so long as `before` was: more bytes count at once, all else once it differs by much. */
    HitCost steady(HitCost before) {
        boolean isSameSize = bytesEach() <= before.bytesEach() && bytesEach() >= before.bytesEach() * SAME_BYTES;
        double smaller = Math.min(readNanosEach(), before.readNanosEach());
        boolean isSamePace = smaller >= Math.max(readNanosEach(), before.readNanosEach()) * SAME_NANOS;
        double bytes = isSameSize ? before.bytesEach() : bytesEach();
        double readNanos = isSamePace ? before.readNanosEach() : readNanosEach();
        return new HitCost(1, Math.round(bytes), Math.round(readNanos));
    }

    /** The larger of both, for hits of either. */
    HitCost max(HitCost other) {
        long largest = Math.round(Math.max(bytesEach(), other.bytesEach()));
        return new HitCost(1, largest, Math.round(Math.max(readNanosEach(), other.readNanosEach())));
    }

    private static double mean(double before, double now) {
        return before + OF_NEWEST * (now - before);
    }
}
