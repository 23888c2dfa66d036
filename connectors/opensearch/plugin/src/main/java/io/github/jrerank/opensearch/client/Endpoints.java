package io.github.jrerank.opensearch.client;

import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import org.opensearch.common.settings.Settings;

/** Every endpoint that this node's settings name. */
public final class Endpoints {
    private final Map<String, Endpoint> byName = new TreeMap<>();

    public Endpoints(Settings settings, Node node) {
        for (String name : EndpointSettings.names(settings)) {
            byName.put(name, new Endpoint(EndpointSettings.read(name, settings), node));
        }
    }

    /** Null where this node's settings have no such name. */
    public Endpoint get(String name) {
        return byName.get(name);
    }

    public Collection<Endpoint> all() {
        return byName.values();
    }

    public void reloadApiKeys(Settings settings) {
        byName.forEach((name, endpoint) -> endpoint.apiKey(EndpointSettings.apiKey(name, settings)));
    }
}
