package io.github.jrerank.opensearch.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Delayed;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.opensearch.common.settings.Settings;
import org.opensearch.threadpool.Scheduler;

class CallTests {
    private static final int TIMEOUT_MS = 2_000;
    /** Where shares of the time count, and nobody waits for its end: a machine that is busy for a second changes none of them. */
    private static final int AMPLE_MS = 60_000;

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Node node = new Node(Path.of("."), threads::execute, (delay, command) -> new Timer(timer, delay, command));
    private final FakeSidecar first = new FakeSidecar();
    private final FakeSidecar second = new FakeSidecar();

    /** A node's scheduler runs its commands elsewhere; here the timer's own thread will do. */
    private record Timer(ScheduledFuture<?> future) implements Scheduler.ScheduledCancellable {
        Timer(ScheduledExecutorService timer, long delayMs, Runnable command) {
            this(timer.schedule(command, delayMs, TimeUnit.MILLISECONDS));
        }

        @Override
        public boolean cancel() {
            return future.cancel(false);
        }

        @Override
        public boolean isCancelled() {
            return future.isCancelled();
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return future.getDelay(unit);
        }

        @Override
        public int compareTo(Delayed other) {
            return future.compareTo(other);
        }
    }

    private record Question() implements Call.Question<String> {
        @Override
        public byte[] body(long timeoutMs) {
            return Long.toString(timeoutMs).getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public String read(byte[] answer) throws Failure {
            return new String(answer, StandardCharsets.UTF_8);
        }

        @Override
        public long maxAnswerBytes() {
            return 10;
        }
    }

    @AfterEach
    void close() {
        first.close();
        second.close();
        timer.shutdownNow();
        threads.shutdownNow();
    }

    private Endpoint endpoint(String... urls) {
        Settings settings = Settings.builder()
            .putList("jrerank.endpoint.main.urls", urls)
            .put("jrerank.endpoint.main.breaker.failures", 2)
            .put("jrerank.endpoint.main.breaker.probe_interval_ms", 50)
            .setSecureSettings(new Secrets(Map.of("jrerank.endpoint.main.api_key", "secret")))
            .build();
        return new Endpoints(settings, node).get("main");
    }

    private String ask(Endpoint endpoint) {
        return ask(endpoint, "[docs]");
    }

    private String ask(Endpoint endpoint, String work) {
        return Call.start(endpoint, node, new Question(), terms(work, TIMEOUT_MS, true)).join();
    }

    private static Call.Terms terms(String work, int timeoutMs, boolean isUsualTime) {
        return new Call.Terms(work, Map.of(), System.nanoTime(), timeoutMs, isUsualTime, true);
    }

    private String reason(Endpoint endpoint) {
        return reason(endpoint, "[docs]");
    }

    private String reason(Endpoint endpoint, String work) {
        CompletionException error = assertThrows(CompletionException.class, () -> ask(endpoint, work));
        return Failure.of(error).reason();
    }

    @Test
    void sendsTheKeyAndLessThanItsOwnTime() {
        assertEquals("fine", ask(endpoint(first.url())));
        assertEquals(List.of("Bearer secret"), first.authorizations);
        int toldMs = Integer.parseInt(first.bodies.get(0));
        assertTrue(toldMs > TIMEOUT_MS / 2 && toldMs <= TIMEOUT_MS * 9 / 10, "told " + toldMs + " ms");
    }

    @Test
    void noMoreIsReadThanAnAnswerMayHold() {
        first.answer = "a".repeat(11);
        assertEquals("answer_too_large", reason(endpoint(first.url())));
        first.answer = "a".repeat(10);
        assertEquals(first.answer, ask(endpoint(first.url())));
    }

    @Test
    void takesTurns() {
        Endpoint endpoint = endpoint(first.url(), second.url());
        for (int i = 0; i < 4; i++) {
            ask(endpoint);
        }
        assertEquals(2, first.bodies.size());
        assertEquals(2, second.bodies.size());
    }

    @Test
    void whoSaysThatWorkWaitsThereIsLeftAlone() {
        first.queueSeconds = "60.000";
        Endpoint endpoint = endpoint(first.url(), second.url());
        for (int i = 0; i < 5; i++) {
            assertEquals("fine", ask(endpoint));
        }
        assertEquals(1, first.bodies.size());
        assertEquals(4, second.bodies.size());
    }

    @Test
    void failsOverToTheNext() {
        first.status = 500;
        Endpoint endpoint = endpoint(first.url(), second.url());
        assertEquals("fine", ask(endpoint));
        assertEquals("fine", ask(endpoint));
        assertEquals(2, second.bodies.size());
    }

    @Test
    void failsOverFromNobodyThere() {
        first.close();
        Endpoint endpoint = endpoint(first.url(), second.url());
        assertEquals("fine", ask(endpoint));
        assertEquals("fine", ask(endpoint));
    }

    @Test
    void aSilentOneGetsCompany() {
        first.isSilent = true;
        long start = System.nanoTime();
        assertEquals("fine", ask(endpoint(first.url(), second.url())));
        assertTrue(System.nanoTime() - start < TimeUnit.MILLISECONDS.toNanos(TIMEOUT_MS));
    }

    @Test
    void aSilentOneIsGivenUpThoughAnotherAnswers() throws InterruptedException {
        first.isSilent = true;
        Endpoint endpoint = endpoint(first.url(), second.url());
        Sidecar silent = endpoint.sidecars().get(0);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!silent.isOpen("[docs]") && System.nanoTime() < end) {
            assertEquals("fine", ask(endpoint));
            Thread.sleep(20); // who was silent is asked again only when as much time has passed
        }
        assertTrue(silent.isOpen("[docs]"));
        assertEquals(2, silent.counts().get("overtaken"));
        assertFalse(endpoint.sidecars().get(1).isOpen("[docs]"));
    }

    @Test
    void failsOverFromAnyRefusal() {
        for (int status : new int[] { 400, 401, 403, 404, 408, 413, 422, 429 }) {
            first.status = status;
            Endpoint endpoint = endpoint(first.url(), second.url());
            assertEquals("fine", ask(endpoint), "after " + status);
            assertEquals("fine", ask(endpoint), "after " + status);
        }
    }

    @Test
    void whatOneSidecarRefusesIsNotSentToItForEver() {
        for (int status : new int[] { 401, 403, 404, 408, 422 }) {
            first.status = status;
            Endpoint endpoint = endpoint(first.url());
            assertEquals("status_" + status, reason(endpoint));
            assertEquals("status_" + status, reason(endpoint));
            assertEquals("circuit_open", reason(endpoint));
        }
    }

    @Test
    void whatOneSearchSendsTooMuchOfCostsTheNextNothing() {
        Endpoint endpoint = endpoint(first.url());
        first.status = 413;
        for (int i = 0; i < 3; i++) {
            assertEquals("status_413", reason(endpoint));
        }
        assertEquals(3, endpoint.sidecars().get(0).counts().get("status_413"));
        first.status = 200;
        assertEquals("fine", ask(endpoint));
    }

    @Test
    void whatIsTooMuchInOneIndexCostsOthersNothing() {
        Endpoint endpoint = endpoint(first.url());
        first.status = 422;
        reason(endpoint, "[books]");
        reason(endpoint, "[books]");
        first.status = 200;
        assertEquals("circuit_open", reason(endpoint, "[books]"));
        assertEquals("fine", ask(endpoint, "[titles]"));
        assertEquals(List.of("[books]"), endpoint.sidecars().get(0).openFor());
    }

    @Test
    void timeThatIsOverIsNotAskedFor() {
        long longAgo = System.nanoTime() - TimeUnit.MILLISECONDS.toNanos(TIMEOUT_MS);
        var terms = new Call.Terms("[docs]", Map.of(), longAgo, TIMEOUT_MS, true, true);
        var call = Call.start(endpoint(first.url()), node, new Question(), terms);
        assertEquals("deadline", Failure.of(assertThrows(CompletionException.class, call::join)).reason());
        assertTrue(first.bodies.isEmpty());
    }

    @Test
    void keepsItsTime() {
        first.isSilent = true;
        long start = System.nanoTime();
        assertEquals("timeout", reason(endpoint(first.url())));
        long tookMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        assertTrue(tookMs >= TIMEOUT_MS - 1 && tookMs < TIMEOUT_MS + 1_500, "took " + tookMs + " ms");
    }

    @Test
    void stopsAskingAndBeginsAgain() throws InterruptedException {
        Endpoint endpoint = endpoint(first.url());
        first.status = 503;
        assertEquals("status_503", reason(endpoint));
        assertEquals("status_503", reason(endpoint));
        assertEquals("circuit_open", reason(endpoint));
        first.status = 200;
        awaitClosed(endpoint);
        assertEquals("fine", ask(endpoint));
    }

    private static void awaitClosed(Endpoint endpoint) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (endpoint.sidecars().get(0).isOpen("[docs]") && System.nanoTime() < end) {
            Thread.sleep(10);
        }
    }

    @Test
    void aCallerInAHurryOpensNothing() {
        Endpoint endpoint = endpoint(first.url());
        first.isSilent = true;
        for (int i = 0; i < 3; i++) {
            var call = Call.start(endpoint, node, new Question(), terms("[docs]", 5, false));
            assertThrows(CompletionException.class, call::join);
        }
        assertFalse(endpoint.sidecars().get(0).isOpen("[docs]"));
    }

    @Test
    void aRefusalForItsLoadCountsUnlessACallerAsksForMoreThanOthersOrInLessTime() {
        Endpoint endpoint = endpoint(first.url());
        first.status = 429;
        for (int i = 0; i < 3; i++) {
            for (boolean isUsualTime : new boolean[] { true, false }) {
                var terms = new Call.Terms("[docs]", Map.of(), System.nanoTime(), AMPLE_MS, isUsualTime, isUsualTime == false);
                var call = Call.start(endpoint, node, new Question(), terms);
                assertEquals("status_429", Failure.of(assertThrows(CompletionException.class, call::join)).reason());
            }
        }
        assertFalse(endpoint.sidecars().get(0).isOpenForAll());
        refused(endpoint, 0);
        refused(endpoint, 0);
        assertTrue(endpoint.sidecars().get(0).isOpenForAll());
    }

    @Test
    void aRefusalForItsLoadCountsUnlessFetchingLeftItLittleTime() {
        Endpoint endpoint = endpoint(first.url());
        first.status = 429;
        refused(endpoint, AMPLE_MS / 2);
        refused(endpoint, AMPLE_MS / 2);
        assertFalse(endpoint.sidecars().get(0).isOpenForAll());
        int spareMs = (int) TimeUnit.NANOSECONDS.toMillis(Call.spareNanos(AMPLE_MS));
        assertTrue(spareMs > AMPLE_MS / 4, "most of what it can lack, not " + spareMs);
        refused(endpoint, spareMs);
        refused(endpoint, spareMs);
        assertTrue(endpoint.sidecars().get(0).isOpenForAll());
    }

    private void refused(Endpoint endpoint, int spentMs) {
        long startNanos = System.nanoTime() - TimeUnit.MILLISECONDS.toNanos(spentMs);
        var terms = new Call.Terms("[docs]", Map.of(), startNanos, AMPLE_MS, true, true);
        var call = Call.start(endpoint, node, new Question(), terms);
        assertEquals("status_429", Failure.of(assertThrows(CompletionException.class, call::join)).reason());
    }

    @Test
    void aKeyThatNoHeaderCanHoldIsShownNowhere() throws InterruptedException {
        Endpoint endpoint = endpoint(first.url());
        endpoint.apiKey("s3cret\n");
        Throwable error = assertThrows(CompletionException.class, () -> ask(endpoint));
        assertEquals("internal_error", Failure.of(error).reason());
        for (Throwable shown = error; shown != null; shown = shown.getCause()) {
            assertFalse(String.valueOf(shown).contains("s3cret"), String.valueOf(shown));
        }
        assertEquals("internal_error", reason(endpoint));
        assertEquals("circuit_open", reason(endpoint), "it costs no search any more");
        endpoint.apiKey("mended");
        awaitClosed(endpoint);
        assertEquals("fine", ask(endpoint));
    }

    @Test
    void aRotatedKeyIsUsedFromTheNextQuestionOn() {
        Endpoint endpoint = endpoint(first.url());
        endpoint.apiKey("rotated");
        ask(endpoint);
        assertEquals(List.of("Bearer rotated"), first.authorizations);
    }
}
