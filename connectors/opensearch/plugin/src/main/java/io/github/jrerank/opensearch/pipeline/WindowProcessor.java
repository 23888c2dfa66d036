package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.JrerankExt;
import java.util.Map;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.ingest.ConfigurationUtils;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.search.fetch.subphase.FetchSourceContext;
import org.opensearch.search.pipeline.AbstractProcessor;
import org.opensearch.search.pipeline.PipelineProcessingContext;
import org.opensearch.search.pipeline.Processor;
import org.opensearch.search.pipeline.SearchRequestProcessor;

/** Widens a search to the rerank window and to its passage fields, and notes what the caller had asked for. */
final class WindowProcessor extends AbstractProcessor implements SearchRequestProcessor {
    static final String TYPE = "jrerank_window";

    private final Reading reading;
    private final int window;
    private final IndexLimits limits;
    private final GroupSearches groups;

    WindowProcessor(
        String tag,
        String description,
        boolean ignoreFailure,
        Reading reading,
        int window,
        IndexLimits limits,
        GroupSearches groups
    ) {
        super(tag, description, ignoreFailure);
        this.reading = reading;
        this.window = window;
        this.limits = limits;
        this.groups = groups;
    }

    @Override
    public String getType() {
        return TYPE;
    }

    @Override
    public SearchRequest processRequest(SearchRequest request) {
        throw new UnsupportedOperationException("what the caller asked for is kept in the pipeline's context");
    }

    @Override
    public SearchRequest processRequest(SearchRequest request, PipelineProcessingContext context) {
        if (request.source() == null) {
            Plan.passthrough(Passthrough.NO_QUERY_TEXT, JrerankExt.NONE).keepIn(context);
            return request;
        }
        Plan plan = Plan.safely(request, () -> plan(request));
        plan.keepIn(context);
        groups.expectFrom(request);
        return plan.reason() == null && plan.isWidened() ? widened(request, plan) : request;
    }

    private Plan plan(SearchRequest request) {
        if (groups.isOne(request)) {
            return Plan.passthrough(Passthrough.COLLAPSE_GROUP, JrerankExt.NONE);
        }
        if (request.scroll() != null) {
            // its later pages are this search continued, without a pipeline: widened, they would skip or leak
            return Plan.asFetched(request, reading, window);
        }
        SearchSourceBuilder search = request.source();
        JrerankExt ext = JrerankExt.of(request);
        String text = reading.queryText(ext.query(), search);
        FetchSourceContext shown = SourceFilter.shown(search);
        boolean isOpen = SourceFilter.leavesIn(shown, reading.passageFields());
        String reason = Passthrough.reason(search, ext, text, window);
        if (reason == null && isOpen == false && cannotOpen(request)) {
            reason = Passthrough.NO_PASSAGES;
        }
        int from = Plan.from(search);
        return new Plan(reason, ext, text, reading, window, from, Plan.size(search), true, isOpen ? null : shown);
    }

    private boolean cannotOpen(SearchRequest request) {
        SearchSourceBuilder search = request.source();
        boolean isIdless = search.storedFields() != null && search.storedFields().fetchFields() == false;
        return isIdless || limits.isSourceless(request);
    }

    private SearchRequest widened(SearchRequest request, Plan plan) {
        Window wide = Window.of(plan.from(), plan.size(), window, limits.maxResultWindow(request));
        // a copy: the caller may be Java code that uses its request again
        SearchSourceBuilder search = request.source().shallowCopy().from(wide.fetchFrom()).size(wide.fetchSize());
        search.searchPipelineSource(request.source().searchPipelineSource());
        if (plan.shown() != null) {
            search.fetchSource(SourceFilter.opened(plan.shown(), reading.passageFields()));
        }
        return request.source(search);
    }

    static final class Factory implements Processor.Factory<SearchRequestProcessor> {
        private final IndexLimits limits;
        private final GroupSearches groups;

        Factory(IndexLimits limits, GroupSearches groups) {
            this.limits = limits;
            this.groups = groups;
        }

        @Override
        public SearchRequestProcessor create(
            Map<String, Processor.Factory<SearchRequestProcessor>> others,
            String tag,
            String description,
            boolean ignoreFailure,
            Map<String, Object> config,
            PipelineContext context
        ) {
            int window = ConfigurationUtils.readIntProperty(TYPE, tag, config, "window", Options.DEFAULT_WINDOW);
            Options.checkRange(TYPE, tag, "window", window, Window.MAX);
            Reading reading = Reading.from(TYPE, tag, config);
            return new WindowProcessor(tag, description, ignoreFailure, reading, window, limits, groups);
        }
    }
}
