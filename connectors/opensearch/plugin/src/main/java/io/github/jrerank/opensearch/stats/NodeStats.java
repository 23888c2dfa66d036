package io.github.jrerank.opensearch.stats;

import io.github.jrerank.opensearch.client.Endpoint;
import io.github.jrerank.opensearch.client.Endpoints;
import io.github.jrerank.opensearch.client.Sidecar;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/** What this node has counted since it started. */
public final class NodeStats {
    private final Supplier<Endpoints> endpoints;
    private final SearchStats searches;

    public NodeStats(Supplier<Endpoints> endpoints, SearchStats searches) {
        this.endpoints = endpoints;
        this.searches = searches;
    }

    /** Maps, lists, texts and numbers alone, which go from node to node as they are. */
    Map<String, Object> values() {
        Map<String, Object> byName = new LinkedHashMap<>();
        for (Endpoint endpoint : endpoints.get().all()) {
            byName.put(endpoint.name(), endpoint.sidecars().stream().map(NodeStats::of).toList());
        }
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("searches", searches.values());
        values.put("endpoints", byName);
        return values;
    }

    private static Map<String, Object> of(Sidecar sidecar) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("url", sidecar.url().toString());
        values.put("circuit", sidecar.isOpenForAll() ? "open" : sidecar.openFor().isEmpty() ? "closed" : "open_for_some");
        values.put("open_for", sidecar.openFor());
        values.put("failures_in_a_row", sidecar.failuresInARow());
        values.put("counts", sidecar.counts());
        values.put("answered_ms", sidecar.answeredMs());
        return values;
    }
}
