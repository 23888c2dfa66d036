package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PipelineCheckTests {
    private static final Map<String, Object> WINDOW = Map.of("jrerank_window", Map.of("window", 50));
    private static final Map<String, Object> RERANK = Map.of("jrerank", Map.of("endpoint", "main"));

    @Test
    void aWindowNeedsWhatCutsThePage() {
        assertNotNull(PipelineCheck.problemOf(Map.of("request_processors", List.of(WINDOW))));
        assertNotNull(PipelineCheck.problemOf(Map.of("request_processors", List.of(WINDOW), "response_processors", List.of())));
        assertNull(PipelineCheck.problemOf(Map.of("request_processors", List.of(WINDOW), "response_processors", List.of(RERANK))));
    }

    @Test
    void othersAreNotOurs() {
        assertNull(PipelineCheck.problemOf(null));
        assertNull(PipelineCheck.problemOf(Map.of("response_processors", List.of(RERANK))));
        assertNull(PipelineCheck.problemOf(Map.of("request_processors", "what?")));
    }
}
