package io.github.jrerank.opensearch.stats;

import io.github.jrerank.opensearch.client.Endpoint;
import io.github.jrerank.opensearch.client.Endpoints;
import io.github.jrerank.opensearch.client.Sidecar;
import java.io.IOException;
import java.util.List;
import java.util.function.Supplier;
import org.opensearch.core.xcontent.ToXContentObject;
import org.opensearch.core.xcontent.XContentBuilder;
import org.opensearch.rest.RestRequest.Method;

/** `GET _plugins/_jrerank/stats`: what the node that is asked has counted since it started. */
public final class StatsHandler extends LocalHandler {
    private final String nodeName;
    private final Supplier<Endpoints> endpoints;
    private final SearchStats searches;

    public StatsHandler(String nodeName, Supplier<Endpoints> endpoints, SearchStats searches) {
        this.nodeName = nodeName;
        this.endpoints = endpoints;
        this.searches = searches;
    }

    @Override
    public String getName() {
        return "jrerank_stats";
    }

    @Override
    public List<Route> routes() {
        return List.of(new Route(Method.GET, "/_plugins/_jrerank/stats"));
    }

    @Override
    ToXContentObject answer() {
        return (json, params) -> {
            json.startObject().field("node", nodeName);
            json.startObject("searches").field("outcomes", searches.outcomes()).field("reasons", searches.reasons()).endObject();
            json.startObject("endpoints");
            for (Endpoint endpoint : endpoints.get().all()) {
                write(endpoint, json);
            }
            return json.endObject().endObject();
        };
    }

    private static void write(Endpoint endpoint, XContentBuilder json) throws IOException {
        json.startArray(endpoint.name());
        for (Sidecar sidecar : endpoint.sidecars()) {
            json.startObject()
                .field("url", sidecar.url().toString())
                .field("circuit", sidecar.isOpenForAll() ? "open" : sidecar.openFor().isEmpty() ? "closed" : "open_for_some")
                .field("open_for", sidecar.openFor())
                .field("failures_in_a_row", sidecar.failuresInARow())
                .field("counts", sidecar.counts())
                .endObject();
        }
        json.endArray();
    }
}
