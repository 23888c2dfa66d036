package io.github.jrerank.opensearch.client;

import io.github.jrerank.opensearch.counting.Counters;
import io.github.jrerank.opensearch.counting.Histogram;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.opensearch.threadpool.Scheduler;

/** One URL of an endpoint: sends, keeps count, and knows whether it is worth asking. */
public final class Sidecar {
    private static final long MAX_PROBE_ANSWER_BYTES = 1L << 16;
    private static final long PROBE_TIMEOUT_MS = 1000;
    private static final byte[] PROBE = """
        {"query":"probe","hits":[{"id":"probe","text":"probe","score":null}],"timeout_ms":900}
        """.getBytes(StandardCharsets.UTF_8);

    private final URI url;
    private final HttpClient client;
    private final Supplier<String> apiKey;
    private final Node node;
    private final Circuits circuits;
    private final long probeIntervalMs;
    private final Counters counters = new Counters();
    private final Histogram answeredMs = new Histogram();
    private final Load load = new Load(System::nanoTime);
    private volatile boolean isRetired;

    Sidecar(URI base, EndpointSettings settings, HttpClient client, Supplier<String> apiKey, Node node) {
        this.url = URI.create(base.toString().replaceAll("/+$", "") + "/v1/hits");
        this.client = client;
        this.apiKey = apiKey;
        this.node = node;
        String name = "[" + settings.name() + "] at " + base;
        this.circuits = new Circuits(name, settings.breakerFailures(), TimeUnit.MILLISECONDS.toNanos(settings.probeIntervalMs()));
        this.probeIntervalMs = settings.probeIntervalMs();
    }

    public URI url() {
        return url;
    }

    /** For one kind of work. */
    boolean isOpen(String work) {
        return circuits.isOpen(work);
    }

    /** For everything. */
    public boolean isOpenForAll() {
        return circuits.isOpenForAll();
    }

    /** The kinds of work for which alone its circuit is open. */
    public List<String> openFor() {
        return circuits.openFor();
    }

    /** How long a request would wait there. */
    double expectedSeconds() {
        return load.expectedSeconds();
    }

    public int failuresInARow() {
        return circuits.failuresInARow();
    }

    public Map<String, Long> counts() {
        return counters.values();
    }

    /** How long answers took, whatever they said. */
    public Map<String, Object> answeredMs() {
        return answeredMs.values();
    }

    /** Cancelling what comes back closes the connection, so that nobody works for an answer that nobody reads. */
    CompletableFuture<HttpResponse<byte[]>> send(byte[] body, Map<String, String> headers, long maxAnswerBytes) {
        counters.add("requests");
        long startNanos = System.nanoTime();
        CompletableFuture<HttpResponse<byte[]>> response = post(body, headers, maxAnswerBytes);
        response.thenRun(() -> answeredMs.add(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos)));
        return response;
    }

    void retire() {
        isRetired = true;
    }

    void succeed(String work) {
        counters.add("answers");
        circuits.succeed(work);
    }

    void fail(Failure failure, String work, boolean counts) {
        counters.add(failure.reason());
        if (counts && circuits.fail(failure, work, System.nanoTime())) {
            counters.add("opened");
            if (circuits.startProbing()) {
                probeLater();
            }
        }
    }

    private CompletableFuture<HttpResponse<byte[]>> post(byte[] body, Map<String, String> headers, long maxAnswerBytes) {
        HttpRequest.Builder request = HttpRequest.newBuilder(url).header("content-type", "application/json");
        if (addKey(request, apiKey.get()) == false) {
            return CompletableFuture.failedFuture(Failure.unsendableKey());
        }
        headers.forEach((name, value) -> addHeader(request, name, value));
        HttpRequest post = request.POST(BodyPublishers.ofByteArray(body)).build();
        return load.follow(Privileged.run(() -> client.sendAsync(post, BoundedBody.upTo(maxAnswerBytes))));
    }

    /** Whether a header can hold it. The JDK's exception shows the key, and must be seen by nobody. */
    private static boolean addKey(HttpRequest.Builder request, String key) {
        try {
            if (key.isEmpty() == false) {
                request.header("authorization", "Bearer " + key);
            }
            return true;
        } catch (IllegalArgumentException showsTheKey) {
            return false;
        }
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
        if (isRetired || circuits.continueProbing() == false) {
            return;
        }
        counters.add("probes");
        try {
            sendProbe();
        } catch (RuntimeException unsendable) {
            // a row of probes that ends would leave the circuit open
            probeLater();
        }
    }

    private void sendProbe() {
        CompletableFuture<HttpResponse<byte[]>> answer = post(PROBE, Map.of(), MAX_PROBE_ANSWER_BYTES);
        Scheduler.Cancellable deadline = node.after(PROBE_TIMEOUT_MS, () -> Privileged.run(() -> answer.cancel(true)));
        answer.whenComplete((response, error) -> {
            deadline.cancel();
            if (error == null && response.statusCode() == 200) {
                circuits.answerProbe(System.nanoTime());
            }
            if (circuits.continueProbing()) {
                probeLater();
            }
        });
    }
}
