package io.github.jrerank.opensearch.pipeline;

/**
 * What a hit of a search takes of the node's time, looked up once.
 *
 * @param readNanos how long it takes to read the passage in it, or 0 where that is little, or not known
 * @param fetchesPerRead how many times as long its shard has taken before
 */
record HitPrice(double readNanos, int fetchesPerRead) {
    static final HitPrice FREE = new HitPrice(0, 0);

    /** How long it takes to read hits, and to fetch some of them beside the caller's own. */
    long nanos(int read, int fetched) {
        return Math.round(readNanos * (read + (double) fetchesPerRead * fetched));
    }
}
