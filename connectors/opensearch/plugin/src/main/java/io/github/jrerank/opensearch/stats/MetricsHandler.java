package io.github.jrerank.opensearch.stats;

import java.util.List;
import org.opensearch.core.action.ActionListener;
import org.opensearch.core.rest.RestStatus;
import org.opensearch.rest.BytesRestResponse;
import org.opensearch.rest.RestChannel;
import org.opensearch.rest.RestRequest.Method;
import org.opensearch.rest.RestResponse;
import org.opensearch.rest.action.RestResponseListener;

/** `GET _plugins/_jrerank/metrics`: the same for Prometheus. */
public final class MetricsHandler extends NodesHandler {
    private static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

    @Override
    public String getName() {
        return "jrerank_metrics";
    }

    @Override
    public List<Route> routes() {
        return List.of(
            new Route(Method.GET, "/_plugins/_jrerank/metrics"),
            new Route(Method.GET, "/_plugins/_jrerank/{node}/metrics")
        );
    }

    @Override
    ActionListener<StatsResponse> answer(RestChannel channel) {
        return new RestResponseListener<>(channel) {
            @Override
            public RestResponse buildResponse(StatsResponse response) {
                Exposition exposition = new Exposition();
                exposition.failedNodes(response.failures().size());
                response.getNodes().forEach(node -> exposition.add(node.getNode().getName(), node.getNode().getId(), node.values()));
                return new BytesRestResponse(RestStatus.OK, TYPE, exposition.text());
            }
        };
    }
}
