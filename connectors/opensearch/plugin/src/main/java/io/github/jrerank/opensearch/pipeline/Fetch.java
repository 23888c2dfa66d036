package io.github.jrerank.opensearch.pipeline;

import java.util.concurrent.atomic.AtomicInteger;
import org.opensearch.search.fetch.subphase.FetchSourceContext;

/**
 * What a search was made to fetch, beyond what its caller asked for.
 *
 * @param window so many hits were to be fetched
 * @param page so many the caller asked for
 * @param isNarrowed whether that is less than the pipeline's window, since hits of these indexes cost too much
 * @param filter what is fetched of a document
 * @param sourceIsShown whether the caller asked for some of it
 * @param startNanos when the search began, on the clock of System.nanoTime
 * @param pipelineTimeoutMs what the pipeline's `jrerank` has for its time, which a `jrerank_window` learns from the first search
 */
record Fetch(
    int window,
    int page,
    boolean isNarrowed,
    FetchSourceContext filter,
    boolean sourceIsShown,
    long startNanos,
    AtomicInteger pipelineTimeoutMs
) {
    /**
     * How long the search took longer than its caller's own would have, as far as that can be told: that time is ours.
     *
     * @param cost of the hits that were fetched
     * @param endNanos when the search was over
     */
    long extraNanos(HitCost cost, long endNanos) {
        int own = sourceIsShown ? page : 0;
        double extra = Math.max(0, cost.hits() - own) / (double) Math.max(1, cost.hits());
        double fetching = cost.readNanos() * (double) FetchCosts.FETCHES_PER_READ * extra;
        return cost.bytes() <= FetchCosts.FREE_BYTES ? 0 : Math.min(endNanos - startNanos, Math.round(fetching));
    }
}
