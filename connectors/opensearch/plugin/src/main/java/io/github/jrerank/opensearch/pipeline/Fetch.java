package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.answer.Marker;
import java.util.Collection;
import java.util.Map;
import org.opensearch.search.fetch.subphase.FetchSourceContext;

/**
 * What a search was made to fetch, beyond what its caller asked for.
 *
 * @param window how many hits are fetched
 * @param page how many the caller asked for
 * @param isNarrowed whether that is less than the pipeline's window, since hits of these indexes cost too much
 * @param indexes the UUIDs of those that are searched
 * @param filter what is fetched of a document
 * @param parts what would be, were it not fetched whole in their place; else the filter
 * @param isCallersFilter whether nothing was added to what the caller asked for
 * @param startNanos when the search began, on the clock of System.nanoTime
 */
record Fetch(
    int window,
    int page,
    boolean isNarrowed,
    Collection<String> indexes,
    FetchSourceContext filter,
    FetchSourceContext parts,
    boolean isCallersFilter,
    long startNanos
) {
    /** The reason of a page that the pipeline's window has room for, but this search's has not: not its caller asked for too much. */
    String reasonOf(String reason, int from, int pipelinesWindow) {
        return Passthrough.BEYOND_WINDOW.equals(reason) && from < pipelinesWindow ? Marker.WINDOW_NARROWED : reason;
    }

    /** Whether nothing of a document was left out. */
    boolean isOfWholeDocuments() {
        return FetchCosts.isWhole(filter);
    }

    /** What was found in its hits. */
    void teach(FetchCosts costs, Map<String, HitCost> found) {
        costs.learn(indexes, found, filter);
        if (filter != parts) {
            costs.learnNothingNew(found.keySet(), parts);
        }
    }

    /**
     * How long the search took longer than its caller's own would have, as far as that can be told: that time is ours.
     *
     * @param cost of the hits that were fetched
     * @param endNanos when the search was over
     */
    long extraNanos(HitCost cost, long endNanos) {
        int own = isCallersFilter ? page : 0;
        double extra = Math.max(0, cost.hits() - own) / (double) Math.max(1, cost.hits());
        double fetching = cost.readNanos() * (double) FetchCosts.fetchesPerRead(filter) * extra;
        return cost.bytes() <= FetchCosts.FREE_BYTES ? 0 : Math.min(endNanos - startNanos, Math.round(fetching));
    }
}
