package io.github.jrerank.opensearch.client;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import javax.net.ssl.SSLContext;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.opensearch.common.settings.ClusterSettings;
import org.opensearch.common.settings.Settings;

/** Every endpoint that the settings name: this node's, and what the cluster's say in their place. */
public final class Endpoints {
    private static final Logger LOGGER = LogManager.getLogger(Endpoints.class);

    private final Settings settings;
    private final Node node;
    private final Map<String, String> apiKeys = new ConcurrentHashMap<>();
    /** By the name of an endpoint that has certificate authorities of its own. */
    private final Map<String, SSLContext> trusted = new ConcurrentHashMap<>();
    private final Map<String, Endpoint> byName = new ConcurrentSkipListMap<>();

    public Endpoints(Settings settings, Node node) {
        this.settings = Settings.builder().put(settings, false).build();
        this.node = node;
        readApiKeys(settings).forEach(wrong -> LOGGER.error("jrerank sends no API key: {}", wrong.getMessage()));
        for (String name : EndpointSettings.names(settings)) {
            byName.put(name, endpoint(name, this.settings));
        }
    }

    /** Addresses may change while the node runs. */
    public void follow(ClusterSettings cluster) {
        cluster.addAffixUpdateConsumer(EndpointSettings.URLS, this::changeUrls, (name, urls) -> {});
    }

    /** OpenSearch could not apply this cluster state, nor any after it, if an exception came out of here. */
    void changeUrls(String name, List<String> urls) {
        try {
            replace(name, urls);
        } catch (RuntimeException unusable) {
            LOGGER.error("jrerank endpoint [" + name + "] stays as it was, with other addresses it can't be made", unusable);
        }
    }

    private synchronized void replace(String name, List<String> urls) {
        Endpoint old = urls.isEmpty() ? byName.remove(name) : byName.put(name, endpoint(name, withUrls(name, urls)));
        if (old != null) {
            old.retire();
        }
    }

    private Settings withUrls(String name, List<String> urls) {
        return Settings.builder().put(settings).putList(EndpointSettings.URLS.getConcreteSettingForNamespace(name).getKey(), urls).build();
    }

    private Endpoint endpoint(String name, Settings read) {
        EndpointSettings found = EndpointSettings.read(name, read);
        SSLContext trust = found.certificateAuthorities().isEmpty() ? null : trust(found);
        return new Endpoint(found, trust, apiKeys.getOrDefault(name, ""), node);
    }

    /** Its file is read once: years later it may be gone, and a change of addresses must not fail for that. */
    private SSLContext trust(EndpointSettings endpoint) {
        Path pem = node.config().resolve(endpoint.certificateAuthorities());
        return trusted.computeIfAbsent(endpoint.name(), name -> Privileged.run(() -> Tls.trusting(pem)));
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

    /**
     * Where a new key is wrong the old one stays.
     *
     * @throws IllegalArgumentException the first that was wrong, once all others count
     */
    public synchronized void reloadApiKeys(Settings withSecrets) {
        List<IllegalArgumentException> wrong = readApiKeys(withSecrets);
        byName.forEach((name, endpoint) -> endpoint.apiKey(apiKeys.getOrDefault(name, "")));
        if (wrong.isEmpty() == false) {
            throw wrong.get(0);
        }
    }

    /** What is wrong with some: a node must start nevertheless, and its searches be answered. */
    private List<IllegalArgumentException> readApiKeys(Settings withSecrets) {
        List<IllegalArgumentException> wrong = new ArrayList<>();
        apiKeys.keySet().retainAll(EndpointSettings.namesOfKeys(withSecrets));
        for (String name : EndpointSettings.namesOfKeys(withSecrets)) {
            try {
                apiKeys.put(name, EndpointSettings.apiKey(name, withSecrets));
            } catch (IllegalArgumentException unsendable) {
                wrong.add(unsendable);
            }
        }
        return wrong;
    }
}
