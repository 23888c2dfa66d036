package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.jrerank.opensearch.client.Endpoints;
import io.github.jrerank.opensearch.client.Node;
import io.github.jrerank.opensearch.ext.JrerankExt;
import io.github.jrerank.opensearch.origin.SearchOrigins;
import io.github.jrerank.opensearch.stats.SearchStats;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Delayed;
import java.util.concurrent.TimeUnit;
import org.apache.lucene.search.TotalHits;
import org.junit.jupiter.api.Test;
import org.opensearch.OpenSearchStatusException;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.action.search.SearchResponse;
import org.opensearch.action.search.SearchResponseSections;
import org.opensearch.action.search.ShardSearchFailure;
import org.opensearch.action.support.PlainActionFuture;
import org.opensearch.common.settings.Settings;
import org.opensearch.common.util.concurrent.ThreadContext;
import org.opensearch.core.common.bytes.BytesArray;
import org.opensearch.search.SearchHit;
import org.opensearch.search.SearchHits;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.search.fetch.subphase.FetchSourceContext;
import org.opensearch.search.pipeline.PipelineProcessingContext;
import org.opensearch.threadpool.Scheduler;

class RerankProcessorTests {
    private static final int PROCESSORS = 100;
    private static final long ALL_NANOS = PROCESSORS * FetchBudget.BURST_NANOS_PER_PROCESSOR;
    private static final int TIMEOUT_MS = 60_000;
    private static final FetchSourceContext WHOLE = FetchSourceContext.FETCH_SOURCE;

    private final FetchBudget budget = new FetchBudget(PROCESSORS, () -> 0);
    private final List<Long> delaysMs = new CopyOnWriteArrayList<>();
    private final Node node = new Node(Path.of("."), Runnable::run, this::never);
    private final Services services = new Services(
        new Endpoints(Settings.builder().putList("jrerank.endpoint.nobody.urls", "http://127.0.0.1:9").build(), node),
        new SearchStats(),
        node,
        new ThreadContext(Settings.EMPTY),
        null,
        new SearchOrigins(),
        new Plans(),
        new FetchCosts(System::nanoTime),
        budget
    );

    /** Notes when a command would run. */
    private Scheduler.ScheduledCancellable never(long delayMs, Runnable command) {
        delaysMs.add(delayMs);
        return new Never();
    }

    private record Never() implements Scheduler.ScheduledCancellable {
        @Override
        public boolean cancel() {
            return true;
        }

        @Override
        public boolean isCancelled() {
            return true;
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return Long.MAX_VALUE;
        }

        @Override
        public int compareTo(Delayed other) {
            return 0;
        }
    }

    /** Of a search that found one hit, by a pipeline with `on_failure: error`. */
    private String error(String endpoint, String reason, Fetch fetch) {
        Map<String, Object> config = Map.of("endpoint", endpoint, "on_failure", "error", "timeout_ms", TIMEOUT_MS);
        var options = Options.from("jrerank", null, new HashMap<>(config));
        var context = new PipelineProcessingContext();
        var plan = new Plan(reason, JrerankExt.NONE, "大仏", new Reading(List.of("body"), null), 1, 0, 10, true, null, null, fetch);
        services.plans().keep(context, plan);
        var answer = new PlainActionFuture<SearchResponse>();
        new RerankProcessor(null, null, false, options, services).processResponseAsync(
            new SearchRequest("docs").source(new SearchSourceBuilder()),
            oneLargeHit(),
            context,
            answer
        );
        return assertThrows(OpenSearchStatusException.class, answer::actionGet).getMessage();
    }

    private static Fetch fetch(FetchBudget.Draw draw, long startNanos) {
        return new Fetch(10, null, List.of("docs"), WHOLE, WHOLE, false, startNanos, draw);
    }

    private static SearchResponse oneLargeHit() {
        SearchHit hit = new SearchHit(1).sourceRef(new BytesArray("{\"body\": \"" + "a".repeat(2 << 20) + "\"}"));
        var hits = new SearchHits(new SearchHit[] { hit }, new TotalHits(1, TotalHits.Relation.EQUAL_TO), 1);
        var sections = new SearchResponseSections(hits, null, null, false, false, null, 1);
        return new SearchResponse(sections, null, 1, 1, 0, 1, ShardSearchFailure.EMPTY_ARRAY, SearchResponse.Clusters.EMPTY);
    }

    @Test
    void whatWasDrawnIsGivenBackThoughNoSidecarIsAskedAnyMore() {
        FetchBudget.Draw all = budget.draw(1, 1, hits -> ALL_NANOS);
        assertEquals(0, budget.draw(1, 1, hits -> 1).hits());
        assertTrue(error("elsewhere", null, fetch(all, System.nanoTime())).contains("unknown_endpoint"));
        assertEquals(1, budget.draw(1, 1, hits -> 1).hits());
    }

    @Test
    void whateverASearchHasWaitedForOthersTheSidecarHasEnoughTimeToBeBlamedForItsSilence() {
        long longAgo = System.nanoTime() - TimeUnit.MILLISECONDS.toNanos(TIMEOUT_MS);
        assertTrue(error("nobody", null, fetch(new FetchBudget.Draw(1, 1, true), longAgo)).contains("unreachable"));
        assertTrue(delaysMs.get(0) > TIMEOUT_MS * 2 / 3, "its time: " + delaysMs);
        assertTrue(delaysMs.get(0) < TIMEOUT_MS * 3 / 4, "the search has waited: " + delaysMs);
    }

    @Test
    void anErrorSaysWhetherItIsTheEndpointOrThisNode() {
        assertTrue(error("nobody", "node_busy", null).startsWith("this node has no time to fetch passages for reranking: node_busy"));
        assertTrue(error("nobody", "circuit_open", null).startsWith("jrerank endpoint [nobody] gave no answer to use: circuit_open"));
    }
}
