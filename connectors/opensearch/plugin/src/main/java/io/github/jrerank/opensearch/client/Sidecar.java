package io.github.jrerank.opensearch.client;

import io.github.jrerank.opensearch.stats.Counters;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.opensearch.threadpool.Scheduler;

/** One URL of an endpoint: sends, keeps count, and knows whether it is worth asking. */
public final class Sidecar {
    private static final long ANSWER_BOUND_BYTES = 16L << 20;
    private static final long PROBE_TIMEOUT_MS = 1000;
    private static final byte[] PROBE = """
        {"query":"probe","hits":[{"id":"probe","text":"probe","score":null}],"timeout_ms":900}
        """.getBytes(StandardCharsets.UTF_8);

    private final URI url;
    private final HttpClient client;
    private final Supplier<String> apiKey;
    private final Node node;
    private final Breaker breaker;
    private final long probeIntervalMs;
    private final Counters counters = new Counters();

    Sidecar(URI base, EndpointSettings settings, HttpClient client, Supplier<String> apiKey, Node node) {
        this.url = URI.create(base.toString().replaceAll("/+$", "") + "/v1/hits");
        this.client = client;
        this.apiKey = apiKey;
        this.node = node;
        this.breaker = new Breaker(settings.breakerFailures());
        this.probeIntervalMs = settings.probeIntervalMs();
    }

    public URI url() {
        return url;
    }

    public boolean isOpen() {
        return breaker.isOpen();
    }

    public int failuresInARow() {
        return breaker.failuresInARow();
    }

    public Map<String, Long> counts() {
        return counters.values();
    }

    /** Cancelling what comes back closes the connection, so that nobody works for an answer that nobody reads. */
    CompletableFuture<HttpResponse<byte[]>> send(byte[] body, Map<String, String> headers) {
        counters.add("requests");
        return post(body, headers);
    }

    void succeeded() {
        counters.add("answers");
        breaker.succeeded();
    }

    void failed(Failure failure, boolean counts) {
        counters.add(failure.reason());
        if (counts && failure.isSidecars() && breaker.failed()) {
            counters.add("opened");
            if (breaker.beginsProbes()) {
                probeLater();
            }
        }
    }

    private CompletableFuture<HttpResponse<byte[]>> post(byte[] body, Map<String, String> headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(url).header("content-type", "application/json");
        String key = apiKey.get();
        if (key.isEmpty() == false) {
            request.header("authorization", "Bearer " + key);
        }
        headers.forEach((name, value) -> addHeader(request, name, value));
        HttpRequest post = request.POST(BodyPublishers.ofByteArray(body)).build();
        return Privileged.run(() -> client.sendAsync(post, BoundedBody.upTo(ANSWER_BOUND_BYTES)));
    }

    private static void addHeader(HttpRequest.Builder request, String name, String value) {
        try {
            request.header(name, value);
        } catch (IllegalArgumentException notAHeaderValue) {
            // it came from the search's caller, and a log line less is not worth a search
            return;
        }
    }

    private void probeLater() {
        node.after(probeIntervalMs, this::probe);
    }

    private void probe() {
        if (breaker.goesOnProbing() == false) {
            return;
        }
        counters.add("probes");
        try {
            sendProbe();
        } catch (RuntimeException unsendable) {
            // such as a key that no header can hold, until the keystore is mended
            probeLater();
        }
    }

    private void sendProbe() {
        CompletableFuture<HttpResponse<byte[]>> answer = post(PROBE, Map.of());
        Scheduler.Cancellable deadline = node.after(PROBE_TIMEOUT_MS, () -> Privileged.run(() -> answer.cancel(true)));
        answer.whenComplete((response, error) -> {
            deadline.cancel();
            if (error == null && response.statusCode() == 200) {
                breaker.succeeded();
            }
            if (breaker.goesOnProbing()) {
                probeLater();
            }
        });
    }
}
