package io.github.jrerank.opensearch.stats;

import java.util.List;
import org.opensearch.core.action.ActionListener;
import org.opensearch.rest.RestChannel;
import org.opensearch.rest.RestRequest.Method;
import org.opensearch.rest.action.RestActions.NodesResponseRestListener;

/** `GET _plugins/_jrerank/stats`: what the nodes have counted since they started. */
public final class StatsHandler extends NodesHandler {
    @Override
    public String getName() {
        return "jrerank_stats";
    }

    @Override
    public List<Route> routes() {
        return List.of(
            new Route(Method.GET, "/_plugins/_jrerank/stats"),
            new Route(Method.GET, "/_plugins/_jrerank/{node}/stats")
        );
    }

    @Override
    ActionListener<StatsResponse> answer(RestChannel channel) {
        return new NodesResponseRestListener<>(channel);
    }
}
