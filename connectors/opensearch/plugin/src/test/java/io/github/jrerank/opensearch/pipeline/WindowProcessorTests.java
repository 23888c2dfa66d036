package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.github.jrerank.opensearch.origin.SearchOrigins;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.action.support.PlainActionFuture;
import org.opensearch.index.query.QueryBuilders;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.search.fetch.subphase.FetchSourceContext;
import org.opensearch.search.pipeline.PipelineProcessingContext;

class WindowProcessorTests {
    private final List<Runnable> handedOn = new ArrayList<>();
    private final Plans plans = new Plans();
    private final FetchCosts costs = new FetchCosts(System::nanoTime);
    private PipelineProcessingContext context;
    private final WindowProcessor processor = new WindowProcessor(
        null,
        null,
        false,
        new Reading(List.of(), null),
        10,
        500,
        null,
        new SearchOrigins(),
        plans,
        handedOn::add,
        costs
    );
    private final SearchRequest request = new SearchRequest("docs");
    private final PlainActionFuture<SearchRequest> answer = new PlainActionFuture<>();

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
        assertEquals(96, search(400, 0).size());
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

    private SearchSourceBuilder search(int timeoutMs, int from) {
        return widened(timeoutMs, match(from));
    }

    private static SearchSourceBuilder match(int from) {
        return new SearchSourceBuilder().query(QueryBuilders.matchQuery("body", "大仏")).from(from);
    }

    /** By a processor that is made anew, as OpenSearch does for each search that brings its pipeline along. */
    private SearchSourceBuilder widened(int timeoutMs, SearchSourceBuilder search) {
        Map<String, Object> config = new HashMap<>(Map.of("timeout_ms", timeoutMs, "passage_fields", List.of("body")));
        var factory = new WindowProcessor.Factory(new LargeDocuments(), new SearchOrigins(), plans, handedOn::add, costs);
        SearchRequest large = new SearchRequest("large").source(search);
        var processor = factory.create(Map.of(), null, null, false, config, null);
        context = new PipelineProcessingContext();
        return ((WindowProcessor) processor).processRequest(large, context).source();
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
        var found = Map.of("uuid", new HitCost(10, 1_000_000, TimeUnit.MILLISECONDS.toNanos(5)));
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
