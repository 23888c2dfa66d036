package io.github.jrerank.opensearch.pipeline;

import java.util.Collection;
import java.util.Map;
import org.opensearch.search.fetch.subphase.FetchSourceContext;

/**
 * What a search was made to fetch, beyond what its caller asked for.
 *
 * @param page how many hits the caller asked for
 * @param narrowedBy the reason why fewer are fetched than the pipeline's window holds, or null
 * @param indexes the UUIDs of those that are searched
 * @param filter what is fetched of a document
 * @param parts what would be, were it not fetched whole in their place; else the filter
 * @param isCallersFilter whether nothing was added to what the caller asked for
 * @param startNanos when the search began, on the clock of System.nanoTime
 * @param draw how many hits are fetched, and for how much of the node's time
 */
record Fetch(
    int page,
    String narrowedBy,
    Collection<String> indexes,
    FetchSourceContext filter,
    FetchSourceContext parts,
    boolean isCallersFilter,
    long startNanos,
    FetchBudget.Draw draw
) {
    int window() {
        return draw.hits();
    }

    /** Why a page that begins there is left as it is, or null. It is not its caller who asked for too much. */
    String reasonOfPage(int from) {
        return from < window() ? null : narrowedBy;
    }

    /** Whether nothing of a document was left out. */
    boolean isOfWholeDocuments() {
        return FetchCosts.isWhole(filter);
    }

    /** Gives back what was drawn for it and not spent: with the reading of its passages, where they were read. */
    void refund(FetchBudget budget, long nowNanos) {
        budget.refund(draw.nanos(), nowNanos - startNanos);
    }

    /** What was found in its hits. */
    void teach(FetchCosts costs, Map<String, HitCost> found) {
        costs.learn(indexes, found, filter);
        if (filter != parts) {
            costs.learnNothingNew(found.keySet(), parts);
        }
    }

    /**
     * How long the search took longer than its caller's own would have, as far as that can be told: that time is ours. A search that has
     * waited for what was fetched for others took longer by more than its own hits, and how much can't be told apart from the rest.
     *
     * @param cost of the hits that were fetched
     * @param endNanos when the search was over
     * @param waitNanos so much of a search that has waited counts at most, unless its hits took more
     */
    long extraNanos(HitCost cost, long endNanos, long waitNanos) {
        int extraHits = cost.hits() - (isCallersFilter ? page : 0);
        if (extraHits <= 0 || cost.bytes() <= FetchCosts.FREE_BYTES) {
            return 0;
        }
        double ofEach = (double) cost.readNanos() / cost.hits() * FetchCosts.fetchesPerRead(filter);
        long fetchNanos = Math.round(ofEach * extraHits);
        long oursNanos = draw.isScarce() ? Math.max(fetchNanos, waitNanos) : fetchNanos;
        return Math.min(endNanos - startNanos, oursNanos);
    }
}
