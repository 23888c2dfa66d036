package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.client.Endpoint;
import io.github.jrerank.opensearch.client.Endpoints;
import io.github.jrerank.opensearch.client.Node;
import io.github.jrerank.opensearch.stats.SearchStats;
import java.util.HashMap;
import java.util.Map;
import org.opensearch.common.util.concurrent.ThreadContext;

/** What the processors of a node share. */
public record Services(Endpoints endpoints, SearchStats stats, Node node, ThreadContext threadContext) {
    private static final Map<String, String> FORWARDED = Map.of("X-Opaque-Id", "x-request-id", "traceparent", "traceparent");

    Endpoint endpoint(String name) {
        return endpoints.get(name);
    }

    /** So that the sidecar's log names the search. */
    Map<String, String> forwardedHeaders() {
        Map<String, String> headers = new HashMap<>();
        FORWARDED.forEach((ours, theirs) -> {
            String value = threadContext.getHeader(ours);
            if (value != null) {
                headers.put(theirs, value);
            }
        });
        return headers;
    }
}
