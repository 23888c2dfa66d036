package io.github.jrerank.opensearch.client;

import java.net.http.HttpResponse;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/**
 * How long a request would wait at one sidecar, as far as this node knows: what the last answer said of the sidecar's queue, less the
 * time since, and as long as answers took lately for each request of this node that is under way there. Who gives no answer is
 * expected to take at least as long once more.
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
    private int underWay;

    /** @param nanoTime the clock, such as System::nanoTime */
    Load(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    synchronized double expectedSeconds() {
        return stillWaiting() + underWay * answerSeconds;
    }

    private double stillWaiting() {
        // of who has not answered yet there is no such time: the clock begins anywhere
        return queueSeconds == 0 ? 0 : Math.max(0, queueSeconds - (nanoTime.getAsLong() - heardNanos) / NANOS);
    }

    /** Counts a request until it is answered, has failed or was cancelled. Returns the same future, so that it can be cancelled. */
    CompletableFuture<HttpResponse<byte[]>> follow(CompletableFuture<HttpResponse<byte[]>> response) {
        long startNanos = begin();
        response.whenComplete((answer, error) -> {
            if (error == null) {
                answered(answer.statusCode(), answer.headers().firstValue(HEADER).orElse(""), startNanos);
            } else {
                unanswered(startNanos);
            }
            end();
        });
        return response;
    }

    private synchronized long begin() {
        underWay++;
        return nanoTime.getAsLong();
    }

    private synchronized void end() {
        underWay--;
    }

    /** A refusal says what waits there, but not how long an answer takes. */
    private synchronized void answered(int status, String header, long startNanos) {
        if (status == 200) {
            took(secondsSince(startNanos));
        }
        double seconds = seconds(header);
        boolean isUnknown = seconds < 0 && (status == 429 || status >= 500);
        if (isUnknown || seconds >= 0) {
            waits(isUnknown ? UNKNOWN_SECONDS : seconds);
        }
    }

    /** Of a request that has failed or was cancelled it is known that an answer would have taken longer. */
    private synchronized void unanswered(long startNanos) {
        double atLeast = secondsSince(startNanos);
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
