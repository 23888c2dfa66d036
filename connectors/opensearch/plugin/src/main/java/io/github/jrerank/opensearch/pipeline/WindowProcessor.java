package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.answer.Marker;
import io.github.jrerank.opensearch.client.Failure;
import io.github.jrerank.opensearch.ext.JrerankExt;
import io.github.jrerank.opensearch.ext.OptionChecks;
import io.github.jrerank.opensearch.origin.SearchOrigins;
import java.util.Collection;
import java.util.Map;
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
    private final Services services;
    private final RerankTarget target = new RerankTarget();

    WindowProcessor(
        String tag,
        String description,
        boolean ignoreFailure,
        Reading reading,
        int window,
        int timeoutMs,
        Services services
    ) {
        super(tag, description, ignoreFailure);
        this.reading = reading;
        this.window = window;
        this.timeoutMs = timeoutMs;
        this.services = services;
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
        if (services.plans().has(context)) {
            return request; // another one came before, and what it has seen is what the caller asked for
        }
        Plan plan = planOf(request);
        services.plans().keep(context, plan);
        if (request.source() == null) {
            return request;
        }
        SearchSourceBuilder search = JrerankExt.takenOutOf(request.source());
        return request.source(plan.fetch() == null ? search : widened(search, request, plan));
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
            services.node().executor().accept(work);
        } else {
            work.run();
        }
    }

    private Plan planOf(SearchRequest request) {
        if (services.origins().isOfOtherCluster()) {
            return Plan.LEFT_ALONE;
        }
        if (request.source() == null) {
            return Plan.passthrough(Passthrough.NO_QUERY_TEXT, JrerankExt.NONE);
        }
        return Plan.safely(request, () -> plan(request));
    }

    private Plan plan(SearchRequest request) {
        if (services.origins().isGroupSearch()) {
            return Plan.passthrough(Passthrough.COLLAPSE_GROUP, JrerankExt.NONE);
        }
        IndexLimits.Of limits = services.limits().of(request);
        if (request.scroll() != null) {
            // its later pages are this search continued, without a pipeline: widened, they would skip or leak
            return Plan.asFetched(request, reading, window, limits.types());
        }
        JrerankExt ext = JrerankExt.of(request);
        Reading read = reading.with(ext);
        String text = read.queryText(ext.query(), request.source(), limits.types());
        String reason = reason(request, ext, read, text, limits);
        return reason == null ? widening(request.source(), ext, read, text, limits) : asWritten(request.source(), reason, ext, read, text);
    }

    /** Why the search is left as its caller wrote it, or null. */
    private String reason(SearchRequest request, JrerankExt ext, Reading read, String text, IndexLimits.Of limits) {
        String reason = Passthrough.reason(request.source(), ext, text, ext.or("window", window));
        if (reason != null) {
            return reason;
        }
        if (SearchOrigins.goesToOtherCluster(request)) {
            return Passthrough.REMOTE_CLUSTER; // whose indexes may give less than the window, or keep no source
        }
        boolean isOpen = SourceFilter.leavesIn(SourceFilter.shown(request.source()), read.passageFields());
        return isOpen == false && cannotOpen(request.source(), limits)
            ? Passthrough.NO_PASSAGES
            : target.refusal(services.endpoints(), request, ext);
    }

    private Plan asWritten(SearchSourceBuilder search, String reason, JrerankExt ext, Reading read, String text) {
        return new Plan(reason, ext, text, read, ext.or("window", window), Plan.from(search), Plan.size(search), true, null, target, null);
    }

    private Plan widening(SearchSourceBuilder search, JrerankExt ext, Reading read, String text, IndexLimits.Of limits) {
        FetchSourceContext shown = SourceFilter.shown(search);
        boolean isOpen = SourceFilter.leavesIn(shown, read.passageFields());
        FetchSourceContext parts = isOpen ? shown : SourceFilter.opened(shown, read.passageFields());
        Fetch fetch = fetch(search, limits, ext, parts, isOpen);
        int first = firstFetched(search);
        String reason = fetch.reasonOfPage(Plan.from(search) - first);
        if (reason != null) {
            return asWritten(search, reason, ext, read, text);
        }
        FetchSourceContext hiding = fetch.filter() == shown ? null : shown;
        return new Plan(null, ext, text, read, fetch.window(), Plan.from(search), Plan.size(search), first == 0, hiding, target, fetch);
    }

    private Fetch fetch(SearchSourceBuilder search, IndexLimits.Of limits, JrerankExt ext, FetchSourceContext parts, boolean isOpen) {
        Collection<String> indexes = limits.uuids();
        int page = Plan.size(search), pipelines = ext.or("window", window), wide = wide(search, pipelines);
        int time = Math.min(timeoutMs, ext.timeoutMs(Integer.MAX_VALUE));
        FetchSourceContext fetched = services.costs().cheapest(indexes, parts, wide);
        int most = services.costs().affordable(indexes, fetched, page, wide, time);
        boolean isCallersFilter = isOpen && fetched == parts;
        int own = isCallersFilter ? page : 0;
        FetchBudget.Draw draw = draw(search, most, own, services.costs().price(indexes, fetched, wide), limits);
        String narrowedBy = draw.hits() < most ? Failure.NODE_BUSY : most < pipelines ? Marker.WINDOW_NARROWED : null;
        return new Fetch(page, narrowedBy, indexes, fetched, parts, isCallersFilter, System.nanoTime(), draw);
    }

    /** For each collapsed hit with inner hits OpenSearch makes a search: nothing is fetched beside the caller's page then. */
    private static int firstFetched(SearchSourceBuilder search) {
        return SearchOrigins.hasInnerHits(search) ? Plan.from(search) : 0;
    }

    /** How many hits, from the first that is fetched, are reranked if there is time for all. */
    private static int wide(SearchSourceBuilder search, int window) {
        return SearchOrigins.hasInnerHits(search) ? Math.min(Plan.size(search), window - Plan.from(search)) : window;
    }

    /** For a page beyond what can be fetched there is nothing to draw, or for one that its shards refuse. */
    private FetchBudget.Draw draw(SearchSourceBuilder search, int most, int own, HitPrice price, IndexLimits.Of limits) {
        int first = firstFetched(search), from = Plan.from(search) - first;
        long end = (long) from + Plan.size(search);
        if (from >= most || first + end > limits.largestResultWindow()) {
            return new FetchBudget.Draw(most, 0, false);
        }
        int fewest = (int) Math.min(most, end);
        return services.budget().draw(fewest, most, hits -> price.nanos(hits, (int) Math.max(hits, end) - own));
    }

    private static boolean cannotOpen(SearchSourceBuilder search, IndexLimits.Of limits) {
        boolean isIdless = search.storedFields() != null && search.storedFields().fetchFields() == false;
        return isIdless || limits.isSourceless();
    }

    private SearchSourceBuilder widened(SearchSourceBuilder search, SearchRequest request, Plan plan) {
        Window wide = plan.isWidened()
            ? Window.of(plan.from(), plan.size(), plan.window(), services.limits().of(request).maxResultWindow())
            : Window.unchanged(plan.from(), plan.size());
        // a copy: the caller may be Java code that uses its request again
        SearchSourceBuilder copy = search.shallowCopy().from(wide.fetchFrom()).size(wide.fetchSize());
        copy.searchPipelineSource(search.searchPipelineSource());
        if (plan.shown() != null) {
            copy.fetchSource(plan.fetch().filter());
        }
        return copy;
    }

    static final class Factory implements Processor.Factory<SearchRequestProcessor> {
        private final Services services;

        Factory(Services services) {
            this.services = services;
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
            return new WindowProcessor(tag, description, ignoreFailure, reading, window, timeoutMs, services);
        }
    }
}
