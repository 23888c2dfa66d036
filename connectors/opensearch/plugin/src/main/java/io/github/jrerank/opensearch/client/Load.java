package io.github.jrerank.opensearch.client;

import java.net.http.HttpResponse;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/**
 * How long a request would wait at one sidecar, as far as this node knows: what the last answer said of the sidecar's queue, less the
 * time since, and for each request of this node that is under way there as long as answers took lately, or as long as it has been under
 * way where that is longer. Who gives no answer is expected to take at least as long once more.
 */
final class Load {
    /** Seconds of work that are open at a sidecar, on each of its answers. */
    static final String HEADER = "x-jrerank-queue-seconds";
    private static final double NANOS = 1e9;
    private static final double SMOOTHING = 0.1;
    /** What waits where a request is refused without a word of it, as a proxy does whose sidecar is gone. */
    private static final double UNKNOWN_SECONDS = 1;
    /** Nobody's queue is as long: a number beyond it is a mistake. */
    private static final double MAX_SECONDS = 3_600;

    private final LongSupplier nanoTime;
    private double queueSeconds;
    private long heardNanos;
    private double answerSeconds;
    /** Since when, of those that are under way. */
    private final Map<CompletableFuture<?>, Long> underWay = new IdentityHashMap<>();

    /** @param nanoTime the clock, such as System::nanoTime */
    Load(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    synchronized double expectedSeconds() {
        double open = underWay.values().stream().mapToDouble(start -> Math.max(answerSeconds, secondsSince(start))).sum();
        return stillWaiting() + open;
    }

    private double stillWaiting() {
        // of who has not answered yet there is no such time: the clock begins anywhere
        return queueSeconds == 0 ? 0 : Math.max(0, queueSeconds - (nanoTime.getAsLong() - heardNanos) / NANOS);
    }

    /** Counts a request until it is answered, has failed or was cancelled. Returns the same future, so that it can be cancelled. */
    CompletableFuture<HttpResponse<byte[]>> follow(CompletableFuture<HttpResponse<byte[]>> response) {
        begin(response);
        response.whenComplete((answer, error) -> end(response, answer));
        return response;
    }

    private synchronized void begin(CompletableFuture<?> response) {
        underWay.put(response, nanoTime.getAsLong());
    }

    /** `answer` is null where there was none. */
    private synchronized void end(CompletableFuture<?> response, HttpResponse<byte[]> answer) {
        double seconds = secondsSince(underWay.remove(response));
        if (answer == null) {
            unanswered(seconds);
        } else {
            answered(answer.statusCode(), answer.headers().firstValue(HEADER).orElse(""), seconds);
        }
    }

    /** A refusal says what waits there, but not how long an answer takes. */
    private void answered(int status, String header, double tookSeconds) {
        if (status == 200) {
            took(tookSeconds);
        }
        double waiting = seconds(header);
        boolean isUnknown = waiting < 0 && (status == 429 || status >= 500);
        if (isUnknown || waiting >= 0) {
            waits(isUnknown ? UNKNOWN_SECONDS : waiting);
        }
    }

    /** Of a request that has failed or was cancelled it is known that an answer would have taken longer. */
    private void unanswered(double atLeast) {
        if (atLeast > answerSeconds) {
            took(atLeast);
        }
        waits(Math.max(stillWaiting(), atLeast));
    }

    private void took(double seconds) {
        answerSeconds = answerSeconds == 0 ? seconds : answerSeconds + SMOOTHING * (seconds - answerSeconds);
    }

    private void waits(double seconds) {
        queueSeconds = seconds;
        heardNanos = nanoTime.getAsLong();
    }

    private double secondsSince(long startNanos) {
        return (nanoTime.getAsLong() - startNanos) / NANOS;
    }

    /** Below zero where there is no such number: an older sidecar says nothing. */
    private static double seconds(String header) {
        try {
            double seconds = Double.parseDouble(header);
            return seconds <= MAX_SECONDS ? seconds : -1;
        } catch (NumberFormatException noNumber) {
            return -1;
        }
    }
}
