package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.client.Endpoint;
import io.github.jrerank.opensearch.client.Endpoints;
import io.github.jrerank.opensearch.client.Node;
import io.github.jrerank.opensearch.origin.SearchOrigins;
import io.github.jrerank.opensearch.stats.SearchStats;
import java.util.HashMap;
import java.util.Map;
import org.opensearch.cluster.metadata.IndexNameExpressionResolver;
import org.opensearch.common.util.concurrent.ThreadContext;
import org.opensearch.plugins.SearchPipelinePlugin.Parameters;

/** What the processors of a node share. */
public record Services(
    Endpoints endpoints,
    SearchStats stats,
    Node node,
    ThreadContext threadContext,
    IndexLimits limits,
    SearchOrigins origins,
    Plans plans,
    FetchCosts costs,
    FetchBudget budget
) {
    private static final Map<String, String> FORWARDED = Map.of("X-Opaque-Id", "x-request-id", "traceparent", "traceparent");
    private static final int MAX_HEADER_CHARS = 1_024;

    /**
     * @param node what OpenSearch hands to search pipelines
     * @param processors that the node may use
     */
    public static Services of(
        Parameters node,
        int processors,
        Endpoints endpoints,
        SearchStats stats,
        Node client,
        SearchOrigins origins
    ) {
        var resolver = new IndexNameExpressionResolver(node.threadContext);
        var limits = new IndexLimits(() -> node.searchPipelineService.getClusterService().state(), resolver);
        return new Services(
            endpoints,
            stats,
            client,
            node.threadContext,
            limits,
            origins,
            new Plans(),
            new FetchCosts(System::nanoTime),
            new FetchBudget(processors, System::nanoTime)
        );
    }

    Endpoint endpoint(String name) {
        return endpoints.get(name);
    }

    /** So that the sidecar's log names the search. Its caller wrote them: one that a proxy may refuse is left out. */
    Map<String, String> forwardedHeaders() {
        Map<String, String> headers = new HashMap<>();
        FORWARDED.forEach((ours, theirs) -> {
            String value = threadContext.getHeader(ours);
            if (value != null && value.length() <= MAX_HEADER_CHARS) {
                headers.put(theirs, value);
            }
        });
        return headers;
    }
}
