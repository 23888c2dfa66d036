package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.ext.JrerankExt;
import io.github.jrerank.opensearch.client.Failure;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.search.fetch.subphase.FetchSourceContext;

/**
 * What `jrerank_window` has made of a search, for `jrerank` to act on.
 *
 * @param reason why the search is passed through, or null
 * @param from the caller's own, as is `size`
 * @param isWidened whether `jrerank` has to cut the page
 * @param shown what of a document the caller is to see, or null where that is what was fetched
 * @param target where `jrerank` leaves word of its endpoint, or null
 * @param fetch what the search was made to fetch, or null where it is as the caller asked
 */
record Plan(
    String reason,
    JrerankExt ext,
    String queryText,
    Reading reading,
    int window,
    int from,
    int size,
    boolean isWidened,
    FetchSourceContext shown,
    RerankTarget target,
    Fetch fetch
) {
    /** The response goes by as it is, without a marker: it is another cluster's to read, or this search is done with. */
    static final Plan LEFT_ALONE = passthrough(null, JrerankExt.NONE);
    private static final int DEFAULT_SIZE = 10;
    private static final Logger LOGGER = LogManager.getLogger(Plan.class);

    static Plan passthrough(String reason, JrerankExt ext) {
        return new Plan(reason, ext, null, null, 0, 0, 0, false, null, null, null);
    }

    /** The plan where there is no `jrerank_window` before: the page is reranked within itself. */
    static Plan asFetched(SearchRequest request, Reading pipelines, int pipelinesWindow, Function<String, String> types) {
        if (request.source() == null) {
            return passthrough(Passthrough.NO_QUERY_TEXT, JrerankExt.NONE);
        }
        SearchSourceBuilder search = request.source();
        JrerankExt ext = JrerankExt.of(request);
        Reading reading = pipelines.with(ext);
        String text = reading.queryText(ext.query(), search, types);
        String reason = Passthrough.reason(search, ext, text, Integer.MAX_VALUE);
        boolean isFiltered = SourceFilter.leavesIn(SourceFilter.shown(search), reading.passageFields()) == false;
        String whole = reason == null && isFiltered ? Passthrough.PASSAGES_FILTERED : reason;
        int window = ext.or("window", pipelinesWindow);
        return new Plan(whole, ext, text, reading, window, from(search), size(search), false, null, null, null);
    }

    /** What a search may hold is not all ours (other plugins' queries write themselves): it is not to fail of being read. */
    static Plan safely(SearchRequest request, Supplier<Plan> plan) {
        try {
            return plan.get();
        } catch (RuntimeException unread) {
            LOGGER.warn("a search was not reranked", unread);
            return passthrough(Failure.INTERNAL_ERROR, JrerankExt.of(request));
        }
    }

    static int from(SearchSourceBuilder search) {
        return Math.max(search.from(), 0);
    }

    static int size(SearchSourceBuilder search) {
        return search.size() < 0 ? DEFAULT_SIZE : search.size();
    }
}
