package io.github.jrerank.opensearch.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSession;
import org.junit.jupiter.api.Test;

class LoadTests {
    private static final double EXACT = 1e-9;
    private long now = -5;
    private final Load load = new Load(() -> now);

    private void pass(long ms) {
        now += TimeUnit.MILLISECONDS.toNanos(ms);
    }

    private CompletableFuture<HttpResponse<byte[]>> send() {
        CompletableFuture<HttpResponse<byte[]>> response = new CompletableFuture<>();
        assertSame(response, load.follow(response));
        return response;
    }

    private void answer(long tookMs, String... header) {
        CompletableFuture<HttpResponse<byte[]>> response = send();
        pass(tookMs);
        response.complete(new Answer(200, List.of(header)));
    }

    @Test
    void nothingIsExpectedOfWhoIsUnknown() {
        assertEquals(0, load.expectedSeconds());
    }

    @Test
    void whatWasHeardWearsOff() {
        answer(10, "0.500");
        assertEquals(0.5, load.expectedSeconds(), EXACT);
        pass(200);
        assertEquals(0.3, load.expectedSeconds(), EXACT);
        pass(1_000);
        assertEquals(0, load.expectedSeconds(), EXACT);
    }

    @Test
    void ownRequestsCountUntilTheyAreOver() {
        answer(100, "0");
        CompletableFuture<HttpResponse<byte[]>> first = send();
        CompletableFuture<HttpResponse<byte[]>> second = send();
        assertEquals(0.2, load.expectedSeconds(), EXACT);
        first.cancel(true);
        assertEquals(0.1, load.expectedSeconds(), EXACT);
        second.completeExceptionally(new java.io.IOException("connection reset"));
        assertEquals(0, load.expectedSeconds(), EXACT);
    }

    @Test
    void answersThatTakeLongerCountForMore() {
        answer(100, "0");
        answer(1_100, "0");
        send();
        assertEquals(0.2, load.expectedSeconds(), EXACT);
    }

    @Test
    void aRefusalSaysWhatWaitsAndNothingOfAnswers() {
        answer(1_000, "0");
        CompletableFuture<HttpResponse<byte[]>> refused = send();
        refused.complete(new Answer(429, List.of("0.250")));
        assertEquals(0.25, load.expectedSeconds(), EXACT);
        send();
        assertEquals(1.25, load.expectedSeconds(), EXACT);
    }

    @Test
    void whoGivesNoAnswerIsExpectedToTakeAsLongAgain() {
        CompletableFuture<HttpResponse<byte[]>> hanging = send();
        pass(250);
        hanging.cancel(true);
        assertEquals(0.25, load.expectedSeconds(), EXACT);
        pass(250);
        assertEquals(0, load.expectedSeconds(), EXACT);
        CompletableFuture<HttpResponse<byte[]>> next = send();
        assertEquals(0.25, load.expectedSeconds(), EXACT);
        next.completeExceptionally(new java.io.IOException("connection reset"));
        assertEquals(0, load.expectedSeconds(), EXACT);
    }

    @Test
    void whoHasNeverAnsweredIsExpectedToTakeAsLongAsItsRequestsAreUnderWay() {
        CompletableFuture<HttpResponse<byte[]>> first = send();
        pass(100);
        assertEquals(0.1, load.expectedSeconds(), EXACT);
        CompletableFuture<HttpResponse<byte[]>> second = send();
        pass(50);
        assertEquals(0.2, load.expectedSeconds(), EXACT);
        first.complete(new Answer(200, List.of("0")));
        assertEquals(0.15, load.expectedSeconds(), EXACT);
        pass(200);
        assertEquals(0.25, load.expectedSeconds(), EXACT);
        second.complete(new Answer(200, List.of("0")));
        assertEquals(0, load.expectedSeconds(), EXACT);
    }

    @Test
    void aCancelledRequestMakesNoAnswerQuicker() {
        answer(1_000, "0");
        CompletableFuture<HttpResponse<byte[]>> cancelled = send();
        pass(10);
        cancelled.cancel(true);
        send();
        assertEquals(1.01, load.expectedSeconds(), EXACT);
    }

    @Test
    void aRefusalWithoutAWordOfTheQueueCountsAsASecond() {
        for (int status : List.of(429, 502, 503)) {
            send().complete(new Answer(status, List.of()));
            assertEquals(1, load.expectedSeconds(), EXACT);
            pass(400);
            assertEquals(0.6, load.expectedSeconds(), EXACT);
        }
        answer(0, "0");
        send().complete(new Answer(422, List.of()));
        assertEquals(0, load.expectedSeconds(), EXACT);
    }

    @Test
    void whatIsNoNumberSaysNothing() {
        answer(10, "0.500");
        for (String header : List.of("", "much", "NaN", "Infinity", "-1", "1e9")) {
            answer(0, header);
            assertEquals(0.5, load.expectedSeconds(), EXACT, header);
        }
        answer(0);
        assertEquals(0.5, load.expectedSeconds(), EXACT);
    }

    private record Answer(int statusCode, List<String> queueSeconds) implements HttpResponse<byte[]> {
        @Override
        public HttpHeaders headers() {
            return HttpHeaders.of(queueSeconds.isEmpty() ? Map.of() : Map.of(Load.HEADER, queueSeconds), (name, value) -> true);
        }

        @Override
        public byte[] body() {
            return new byte[0];
        }

        @Override
        public HttpRequest request() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Optional<HttpResponse<byte[]>> previousResponse() {
            return Optional.empty();
        }

        @Override
        public Optional<SSLSession> sslSession() {
            return Optional.empty();
        }

        @Override
        public URI uri() {
            throw new UnsupportedOperationException();
        }

        @Override
        public HttpClient.Version version() {
            return HttpClient.Version.HTTP_1_1;
        }
    }
}
