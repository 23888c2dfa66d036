package io.github.jrerank.opensearch.client;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.opensearch.common.settings.ClusterSettings;
import org.opensearch.common.settings.Settings;

/** Every endpoint that the settings name: this node's, and what the cluster's say in their place. */
public final class Endpoints {
    private final Settings settings;
    private final Node node;
    private final Map<String, String> apiKeys = new ConcurrentHashMap<>();
    private final Map<String, Endpoint> byName = new ConcurrentSkipListMap<>();

    public Endpoints(Settings settings, Node node) {
        this.settings = Settings.builder().put(settings, false).build();
        this.node = node;
        reloadApiKeys(settings);
        for (String name : EndpointSettings.names(settings)) {
            byName.put(name, endpoint(name, this.settings));
        }
    }

    /** Addresses may change while the node runs. */
    public void follow(ClusterSettings cluster) {
        cluster.addAffixUpdateConsumer(EndpointSettings.URLS, this::changeUrls, (name, urls) -> {});
    }

    synchronized void changeUrls(String name, List<String> urls) {
        Endpoint old = urls.isEmpty() ? byName.remove(name) : byName.put(name, endpoint(name, withUrls(name, urls)));
        if (old != null) {
            old.retire();
        }
    }

    private Settings withUrls(String name, List<String> urls) {
        return Settings.builder().put(settings).putList(EndpointSettings.URLS.getConcreteSettingForNamespace(name).getKey(), urls).build();
    }

    private Endpoint endpoint(String name, Settings read) {
        return new Endpoint(EndpointSettings.read(name, read), apiKeys.getOrDefault(name, ""), node);
    }

    /** Null where no settings have such a name. */
    public Endpoint get(String name) {
        return byName.get(name);
    }

    /** Why a call of it for such work would ask nobody, or null. */
    public String refusal(String name, String work) {
        Endpoint endpoint = get(name);
        if (endpoint == null) {
            return Failure.UNKNOWN_ENDPOINT;
        }
        return endpoint.isOpen(work) ? Failure.CIRCUIT_OPEN : null;
    }

    public Collection<Endpoint> all() {
        return byName.values();
    }

    public synchronized void reloadApiKeys(Settings withSecrets) {
        apiKeys.keySet().retainAll(EndpointSettings.namesOfKeys(withSecrets));
        EndpointSettings.namesOfKeys(withSecrets).forEach(name -> apiKeys.put(name, EndpointSettings.apiKey(name, withSecrets)));
        byName.forEach((name, endpoint) -> endpoint.apiKey(apiKeys.getOrDefault(name, "")));
    }
}
