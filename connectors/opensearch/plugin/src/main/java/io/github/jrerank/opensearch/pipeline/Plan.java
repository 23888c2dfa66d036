package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.JrerankExt;
import io.github.jrerank.opensearch.client.Failure;
import java.util.function.Supplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.search.fetch.subphase.FetchSourceContext;
import org.opensearch.search.pipeline.PipelineProcessingContext;

/**
 * What `jrerank_window` has made of a search, for `jrerank` to act on.
 *
 * @param reason why the search is passed through, or null
 * @param from the caller's own, as is `size`
 * @param isWidened whether the page is still to be cut
 * @param shown what of a document the caller is to see, or null where that is what was fetched
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
    FetchSourceContext shown
) {
    private static final String ATTRIBUTE = "jrerank.plan";
    private static final int DEFAULT_SIZE = 10;
    private static final Logger LOGGER = LogManager.getLogger(Plan.class);

    static Plan passthrough(String reason, JrerankExt ext) {
        return new Plan(reason, ext, null, null, 0, 0, 0, false, null);
    }

    /** The plan where there is no `jrerank_window` before: the page is reranked within itself. */
    static Plan asFetched(SearchRequest request, Reading reading, int window) {
        if (request.source() == null) {
            return passthrough(Passthrough.NO_QUERY_TEXT, JrerankExt.NONE);
        }
        SearchSourceBuilder search = request.source();
        JrerankExt ext = JrerankExt.of(request);
        String text = reading.queryText(ext.query(), search);
        String reason = Passthrough.reason(search, ext, text, Integer.MAX_VALUE);
        boolean isFiltered = SourceFilter.leavesIn(SourceFilter.shown(search), reading.passageFields()) == false;
        String whole = reason == null && isFiltered ? Passthrough.PASSAGES_FILTERED : reason;
        return new Plan(whole, ext, text, reading, window, from(search), size(search), false, null);
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

    void keepIn(PipelineProcessingContext context) {
        context.setAttribute(ATTRIBUTE, this);
    }

    /** Null where no `jrerank_window` came before. */
    static Plan keptIn(PipelineProcessingContext context) {
        return (Plan) context.getAttribute(ATTRIBUTE);
    }
}
