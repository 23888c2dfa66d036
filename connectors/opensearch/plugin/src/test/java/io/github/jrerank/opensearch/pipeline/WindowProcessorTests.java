package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.github.jrerank.opensearch.client.Endpoints;
import io.github.jrerank.opensearch.client.Node;
import io.github.jrerank.opensearch.origin.SearchOrigins;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.action.support.PlainActionFuture;
import org.opensearch.common.settings.Settings;
import org.opensearch.index.query.InnerHitBuilder;
import org.opensearch.index.query.QueryBuilders;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.search.collapse.CollapseBuilder;
import org.opensearch.search.fetch.subphase.FetchSourceContext;
import org.opensearch.search.pipeline.PipelineProcessingContext;

class WindowProcessorTests {
    private final List<Runnable> handedOn = new ArrayList<>();
    private final Plans plans = new Plans();
    private final FetchCosts costs = new FetchCosts(System::nanoTime);
    private long now;
    private final FetchBudget budget = new FetchBudget(1, () -> now);
    private final Node node = new Node(Path.of("."), handedOn::add, (delay, command) -> null);
    private final Endpoints endpoints = new Endpoints(Settings.EMPTY, node);
    private PipelineProcessingContext context;
    private final WindowProcessor processor = new WindowProcessor(
        null,
        null,
        false,
        new Reading(List.of(), null),
        10,
        500,
        services()
    );
    private final SearchRequest request = new SearchRequest("docs");
    private final PlainActionFuture<SearchRequest> answer = new PlainActionFuture<>();

    private Services services() {
        return new Services(endpoints, null, node, null, new LargeDocuments(), new SearchOrigins(), plans, costs, budget);
    }

    @Test
    void aTransportThreadHandsOn() throws InterruptedException {
        Thread transport = new Thread(this::process, "opensearch[node][http_server_worker][T#1]");
        transport.start();
        transport.join();
        assertEquals(1, handedOn.size());
        assertEquals(false, answer.isDone());
        handedOn.get(0).run();
        assertSame(request, answer.actionGet());
    }

    @Test
    void anyOtherThreadDoesIt() {
        process();
        assertSame(request, answer.actionGet());
        assertEquals(List.of(), handedOn);
    }

    @Test
    void theTimeThatItsOwnConfigurationNamesNarrowsIt() {
        assertEquals(48, search(200, 0).size());
        now += FetchBudget.BURST_NANOS_PER_PROCESSOR; // time goes by
        assertEquals(100, search(400, 0).size(), "twice the time has room for the whole window");
        assertEquals(60, search(200, 60).from(), "a page beyond is left as it is");
    }

    @Test
    void whatWasFetchedWholeIsShownAsItsCallerAsked() {
        var excluding = new FetchSourceContext(true, null, new String[] { "secret" });
        SearchSourceBuilder search = match(0).fetchSource(excluding);
        assertEquals(excluding, widened(500, search).fetchSource(), "of these parts nothing is known");
        assertEquals(null, plan().shown());

        learn(excluding);
        assertEquals(FetchSourceContext.FETCH_SOURCE, widened(500, search).fetchSource());
        Plan plan = plan();
        assertEquals(excluding, plan.shown());
        assertEquals(excluding, plan.fetch().parts());
        assertEquals(false, plan.fetch().isCallersFilter());
    }

    @Test
    void aPageThatIsPassedThroughIsNotFilteredAgain() {
        SearchSourceBuilder search = match(200).fetchSource(false);
        assertEquals(FetchSourceContext.DO_NOT_FETCH_SOURCE, widened(500, search).fetchSource());
        assertEquals(null, plan().shown());
    }

    @Test
    void aSearchIsLeftAsItIsOnceNobodyWouldBeAsked() {
        assertEquals(10, processed(match(0).size(5), processor).size(), "whom the pipeline asks is not known yet");
        plan().target().remember(Options.from("jrerank", null, new HashMap<>(Map.of("endpoint", "elsewhere"))));
        SearchSourceBuilder search = match(0).size(5);
        assertSame(search, processed(search, processor));
        assertEquals("unknown_endpoint", plan().reason());
        assertSame(search, processed(search.sort("date"), processor));
        assertEquals("sort", plan().reason(), "which it says whoever is asked");
    }

    @Test
    void nothingIsFetchedBesideAPageWhoseHitsAreSearchesEach() {
        SearchSourceBuilder asked = search(500, 0, true);
        assertEquals(List.of(0, 10), List.of(asked.from(), asked.size()));
        assertPageAlone(10, true);
        asked = search(500, 20, true);
        assertEquals(List.of(20, 10), List.of(asked.from(), asked.size()));
        assertPageAlone(10, false);
        search(500, 95, true);
        assertPageAlone(5, false);
        search(500, 100, true);
        assertEquals("beyond_window", plan().reason());
        assertEquals(100, search(1_000, 0, false).size(), "collapsed without inner hits");
    }

    private void assertPageAlone(int reranked, boolean isCut) {
        Plan plan = plan();
        assertEquals(reranked, plan.window());
        assertEquals("window_narrowed", plan.fetch().narrowedBy());
        assertEquals(isCut, plan.isWidened());
    }

    @Test
    void aPageThatHasAllOfTheWindowIsNotNarrowed() {
        widened(500, collapsed(0, true).size(100));
        assertEquals(null, plan().fetch().narrowedBy());
    }

    @Test
    void thePassageOfAPageAloneIsFetchedAndNotShown() {
        SearchSourceBuilder asked = widened(500, collapsed(20, true).fetchSource("title", null));
        assertEquals(List.of("title", "body"), List.of(asked.fetchSource().includes()));
        assertEquals(List.of("title"), List.of(plan().shown().includes()));
        assertEquals(20, asked.from());
    }

    @Test
    void aPageAloneDrawsWhatItTakes() {
        for (int search = 0; search < 10; search++) {
            widened(500, collapsed(60, true).size(20)); // 10 of 100 ms, to read them: the caller has them fetched
            assertEquals(20, plan().window());
        }
        assertEquals(60, widened(500, collapsed(60, true).size(20)).from());
        assertEquals("node_busy", plan().reason());
    }

    private SearchSourceBuilder search(int timeoutMs, int from, boolean hasInnerHits) {
        return widened(timeoutMs, collapsed(from, hasInnerHits));
    }

    private static SearchSourceBuilder collapsed(int from, boolean hasInnerHits) {
        CollapseBuilder topics = new CollapseBuilder("topic");
        return match(from).collapse(hasInnerHits ? topics.setInnerHits(new InnerHitBuilder("more")) : topics);
    }

    @Test
    void aBusyNodeFetchesAsManyHitsAsItHasTimeForOrNone() {
        assertEquals(48, search(200, 0).size(), "43 of 100 ms: 48 hits are read, 38 fetched");
        assertEquals(48, search(200, 0).size());
        assertEquals(16, search(200, 0).size(), "11 of 14 ms");
        assertEquals("node_busy", plan().fetch().narrowedBy());
        assertEquals(10, search(200, 0).size(), "its page, on credit");
        SearchSourceBuilder search = match(0);
        assertSame(search, widened(200, search));
        assertEquals("node_busy", plan().reason());
        now += TimeUnit.MILLISECONDS.toNanos(110);
        assertEquals(48, search(200, 0).size());
    }

    @Test
    void aPageBeyondWhatIsFetchedDrawsNothing() {
        search(200, 60);
        assertEquals("window_narrowed", plan().reason());
        assertEquals(48, search(200, 0).size());
        assertEquals(48, search(200, 0).size());
        assertEquals(16, search(200, 0).size(), "all is there but for 86 ms");
    }

    @Test
    void aLaterPageIsFetchedAsAWholeOrNotAtAll() {
        search(200, 0);
        search(200, 0);
        assertEquals(30, search(200, 20).size(), "14 ms would fetch and read 16 hits, none of them of the page");
        assertEquals(30, plan().window());
        search(200, 20);
        assertEquals("node_busy", plan().reason());
    }

    @Test
    void aPageThatItsIndexRefusesDrawsNothing() {
        processed(match(0).size(Integer.MAX_VALUE).fetchSource("title", null), rerankingBodies(200));
        processed(match(1).size(Integer.MAX_VALUE), rerankingBodies(200));
        assertEquals(48, search(200, 0).size());
    }

    @Test
    void smallDocumentsAreWidenedHoweverBusyTheNodeIs() {
        search(200, 0);
        search(200, 0);
        for (int search = 0; search < 20; search++) {
            learn(FetchSourceContext.FETCH_SOURCE, 1_000);
        }
        assertEquals(100, search(200, 0).size());
    }

    private SearchSourceBuilder search(int timeoutMs, int from) {
        return widened(timeoutMs, match(from));
    }

    private static SearchSourceBuilder match(int from) {
        return new SearchSourceBuilder().query(QueryBuilders.matchQuery("body", "大仏")).from(from);
    }

    /** By a processor that is made anew, as OpenSearch does for each search that brings its pipeline along. */
    private WindowProcessor rerankingBodies(int timeoutMs) {
        Map<String, Object> config = new HashMap<>(Map.of("timeout_ms", timeoutMs, "passage_fields", List.of("body")));
        return (WindowProcessor) new WindowProcessor.Factory(services()).create(Map.of(), null, null, false, config, null);
    }

    private SearchSourceBuilder widened(int timeoutMs, SearchSourceBuilder search) {
        return processed(search, rerankingBodies(timeoutMs));
    }

    private SearchSourceBuilder processed(SearchSourceBuilder search, WindowProcessor processor) {
        context = new PipelineProcessingContext();
        return processor.processRequest(new SearchRequest("large").source(search), context).source();
    }

    /** Of the last search. */
    private Plan plan() {
        return plans.take(context);
    }

    @BeforeEach
    void documentsAreLarge() {
        learn(FetchSourceContext.FETCH_SOURCE);
    }

    private void learn(FetchSourceContext filter) {
        learn(filter, 1_000_000);
    }

    private void learn(FetchSourceContext filter, int bytes) {
        var found = Map.of("uuid", new HitCost(10, bytes, TimeUnit.MILLISECONDS.toNanos(5)));
        costs.learn(List.of("uuid"), found, filter);
    }

    private static final class LargeDocuments extends IndexLimits {
        LargeDocuments() {
            super(null, null);
        }

        @Override
        Of of(SearchRequest request) {
            return new Of(List.of()) {
                @Override
                List<String> uuids() {
                    return List.of("uuid");
                }
            };
        }
    }

    private void process() {
        processor.processRequestAsync(request, new PipelineProcessingContext(), answer);
    }
}
