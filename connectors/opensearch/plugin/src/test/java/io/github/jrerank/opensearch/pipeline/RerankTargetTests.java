package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.github.jrerank.opensearch.client.Endpoints;
import io.github.jrerank.opensearch.client.Node;
import io.github.jrerank.opensearch.ext.JrerankExt;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.common.settings.Settings;

class RerankTargetTests {
    private final Node node = new Node(Path.of("."), Runnable::run, (delay, command) -> null);
    private final Endpoints endpoints = new Endpoints(Settings.EMPTY, node);
    private final RerankTarget target = new RerankTarget();

    private String refusal() {
        return target.refusal(endpoints, new SearchRequest("docs"), JrerankExt.NONE);
    }

    @Test
    void whomAPipelineAsksIsKnownAfterItsFirstSearch() {
        assertNull(refusal());
        target.remember(Options.from("jrerank", null, new HashMap<>(Map.of("endpoint", "elsewhere"))));
        assertEquals("unknown_endpoint", refusal());
    }
}
