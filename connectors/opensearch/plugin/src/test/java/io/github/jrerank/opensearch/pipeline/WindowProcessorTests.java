package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.github.jrerank.opensearch.origin.SearchOrigins;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.action.support.PlainActionFuture;
import org.opensearch.search.pipeline.PipelineProcessingContext;

class WindowProcessorTests {
    private final List<Runnable> handedOn = new ArrayList<>();
    private final WindowProcessor processor = new WindowProcessor(
        null,
        null,
        false,
        new Reading(List.of(), null),
        10,
        null,
        new SearchOrigins(),
        new Plans(),
        handedOn::add,
        new FetchCosts(System::nanoTime)
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

    private void process() {
        processor.processRequestAsync(request, new PipelineProcessingContext(), answer);
    }
}
