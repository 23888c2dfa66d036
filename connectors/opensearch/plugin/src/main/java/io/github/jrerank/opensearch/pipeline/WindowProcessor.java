package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.ext.JrerankExt;
import io.github.jrerank.opensearch.ext.OptionChecks;
import io.github.jrerank.opensearch.origin.SearchOrigins;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.core.action.ActionListener;
import org.opensearch.ingest.ConfigurationUtils;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.search.fetch.subphase.FetchSourceContext;
import org.opensearch.search.pipeline.AbstractProcessor;
import org.opensearch.search.pipeline.PipelineProcessingContext;
import org.opensearch.search.pipeline.Processor;
import org.opensearch.search.pipeline.SearchRequestProcessor;
import org.opensearch.transport.Transports;

/** Widens a search to the rerank window and to its passage fields, and notes what the caller had asked for. */
final class WindowProcessor extends AbstractProcessor implements SearchRequestProcessor {
    static final String TYPE = "jrerank_window";

    private final Reading reading;
    private final int window;
    private final int timeoutMs;
    private final IndexLimits limits;
    private final SearchOrigins origins;
    private final Plans plans;
    private final Consumer<Runnable> executor;
    private final FetchCosts costs;

    WindowProcessor(
        String tag,
        String description,
        boolean ignoreFailure,
        Reading reading,
        int window,
        int timeoutMs,
        IndexLimits limits,
        SearchOrigins origins,
        Plans plans,
        Consumer<Runnable> executor,
        FetchCosts costs
    ) {
        super(tag, description, ignoreFailure);
        this.reading = reading;
        this.window = window;
        this.timeoutMs = timeoutMs;
        this.limits = limits;
        this.origins = origins;
        this.plans = plans;
        this.executor = executor;
        this.costs = costs;
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
        if (plans.has(context)) {
            return request; // another one came before, and what it has seen is what the caller asked for
        }
        Plan plan = planOf(request);
        plans.keep(context, plan);
        if (request.source() == null) {
            return request;
        }
        SearchSourceBuilder search = JrerankExt.takenOutOf(request.source());
        return request.source(plan.reason() == null && plan.isWidened() ? widened(search, request, plan) : search);
    }

    /** Reading queries and mappings is work, and on a transport thread other requests would wait for it. */
    @Override
    public void processRequestAsync(
        SearchRequest request,
        PipelineProcessingContext context,
        ActionListener<SearchRequest> listener
    ) {
        Runnable work = () -> ActionListener.completeWith(listener, () -> processRequest(request, context));
        if (Transports.isTransportThread(Thread.currentThread())) {
            executor.accept(work);
        } else {
            work.run();
        }
    }

    private Plan planOf(SearchRequest request) {
        if (origins.isOfOtherCluster()) {
            return Plan.LEFT_ALONE;
        }
        if (request.source() == null) {
            return Plan.passthrough(Passthrough.NO_QUERY_TEXT, JrerankExt.NONE);
        }
        return Plan.safely(request, () -> plan(request));
    }

    private Plan plan(SearchRequest request) {
        if (origins.isGroupSearch()) {
            return Plan.passthrough(Passthrough.COLLAPSE_GROUP, JrerankExt.NONE);
        }
        IndexLimits.Of limitsOfIndexes = limits.of(request);
        if (request.scroll() != null) {
            // its later pages are this search continued, without a pipeline: widened, they would skip or leak
            return Plan.asFetched(request, reading, window, limitsOfIndexes.types());
        }
        SearchSourceBuilder search = request.source();
        JrerankExt ext = JrerankExt.of(request);
        Reading read = reading.with(ext);
        int wide = ext.or("window", window);
        String text = read.queryText(ext.query(), search, limitsOfIndexes.types());
        FetchSourceContext shown = SourceFilter.shown(search);
        boolean isOpen = SourceFilter.leavesIn(shown, read.passageFields());
        FetchSourceContext parts = isOpen ? shown : SourceFilter.opened(shown, read.passageFields());
        Fetch fetch = fetch(search, limitsOfIndexes, ext, parts, isOpen, wide);
        String reason = fetch.reasonOf(Passthrough.reason(search, ext, text, fetch.window()), Plan.from(search), wide);
        if (reason == null && SearchOrigins.goesToOtherCluster(request)) {
            reason = Passthrough.REMOTE_CLUSTER; // whose indexes may give less than the window, or keep no source
        }
        if (reason == null && isOpen == false && cannotOpen(search, limitsOfIndexes)) {
            reason = Passthrough.NO_PASSAGES;
        }
        int from = Plan.from(search);
        boolean isAsShown = reason != null || fetch.filter() == shown; // what is passed through is fetched as its caller asked
        FetchSourceContext hiding = isAsShown ? null : shown;
        return new Plan(reason, ext, text, read, fetch.window(), from, Plan.size(search), true, hiding, fetch);
    }

    private Fetch fetch(
        SearchSourceBuilder search,
        IndexLimits.Of limitsOfIndexes,
        JrerankExt ext,
        FetchSourceContext parts,
        boolean isOpen,
        int wide
    ) {
        int page = Plan.size(search);
        int time = Math.min(timeoutMs, ext.timeoutMs(Integer.MAX_VALUE));
        List<String> indexes = limitsOfIndexes.uuids();
        FetchSourceContext fetched = costs.cheapest(indexes, parts, wide);
        int most = costs.affordable(indexes, fetched, page, wide, time);
        boolean isCallersFilter = isOpen && fetched == parts;
        return new Fetch(most, page, most < wide, indexes, fetched, parts, isCallersFilter, System.nanoTime());
    }

    private static boolean cannotOpen(SearchSourceBuilder search, IndexLimits.Of limitsOfIndexes) {
        boolean isIdless = search.storedFields() != null && search.storedFields().fetchFields() == false;
        return isIdless || limitsOfIndexes.isSourceless();
    }

    private SearchSourceBuilder widened(SearchSourceBuilder search, SearchRequest request, Plan plan) {
        Window wide = Window.of(plan.from(), plan.size(), plan.window(), limits.of(request).maxResultWindow());
        // a copy: the caller may be Java code that uses its request again
        SearchSourceBuilder copy = search.shallowCopy().from(wide.fetchFrom()).size(wide.fetchSize());
        copy.searchPipelineSource(search.searchPipelineSource());
        if (plan.shown() != null) {
            copy.fetchSource(plan.fetch().filter());
        }
        return copy;
    }

    static final class Factory implements Processor.Factory<SearchRequestProcessor> {
        private final IndexLimits limits;
        private final SearchOrigins origins;
        private final Plans plans;
        private final Consumer<Runnable> executor;
        private final FetchCosts costs;

        Factory(IndexLimits limits, SearchOrigins origins, Plans plans, Consumer<Runnable> executor, FetchCosts costs) {
            this.limits = limits;
            this.origins = origins;
            this.plans = plans;
            this.executor = executor;
            this.costs = costs;
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
            Options.checkRange(TYPE, tag, "window", window, OptionChecks.MAX_WINDOW);
            int timeoutMs = Options.timeoutMs(TYPE, tag, config);
            Reading reading = Reading.from(TYPE, tag, config);
            return new WindowProcessor(
                tag,
                description,
                ignoreFailure,
                reading,
                window,
                timeoutMs,
                limits,
                origins,
                plans,
                executor,
                costs
            );
        }
    }
}
