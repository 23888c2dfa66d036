package io.github.jrerank.opensearch.client;

import java.net.http.HttpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;

/** Several sidecars under one name, asked in turn, or before their turn where they have less to do. */
public final class Endpoint {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

    private final String name;
    private final List<Sidecar> sidecars;
    private final AtomicInteger turn = new AtomicInteger();
    private volatile String apiKey;

    /** @param trust in whom, or null: in the JDK's authorities */
    Endpoint(EndpointSettings settings, SSLContext trust, String apiKey, Node node) {
        this.name = settings.name();
        this.apiKey = apiKey;
        HttpClient client = Privileged.run(() -> client(trust, node));
        this.sidecars = settings.urls()
            .stream()
            .map(url -> new Sidecar(url, settings, client, () -> this.apiKey, node))
            .collect(Collectors.toUnmodifiableList());
    }

    private static HttpClient client(SSLContext trust, Node node) {
        HttpClient.Builder client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_TIMEOUT)
            .executor(node.executor()::accept);
        return trust == null ? client.build() : client.sslContext(trust).build();
    }

    public String name() {
        return name;
    }

    public List<Sidecar> sidecars() {
        return sidecars;
    }

    /** Nobody asks it any more. */
    void retire() {
        sidecars.forEach(Sidecar::retire);
    }

    String apiKey() {
        return apiKey;
    }

    void apiKey(String key) {
        apiKey = key;
    }

    /** Whether none of them is worth asking: probes, and no searches, close their circuits. */
    boolean isOpen(String work) {
        return sidecars.stream().allMatch(sidecar -> sidecar.isOpen(work));
    }

    /** Those worth asking, beginning with whose turn it is, or with another that has less to do. */
    List<Sidecar> inTurn(String work) {
        List<Sidecar> order = new ArrayList<>(sidecars);
        if (order.isEmpty() == false) {
            Collections.rotate(order, -Math.floorMod(turn.getAndIncrement(), order.size()));
        }
        order.removeIf(sidecar -> sidecar.isOpen(work));
        TwoChoices.apply(order, Sidecar::expectedSeconds, ThreadLocalRandom.current()::nextInt);
        return order;
    }
}
