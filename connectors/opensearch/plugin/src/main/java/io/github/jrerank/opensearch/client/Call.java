package io.github.jrerank.opensearch.client;

import java.net.http.HttpResponse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.opensearch.threadpool.Scheduler;

/**
 * One question to an endpoint, answered or failed within its time.
 *
 * A sidecar that fails is followed by the next; one that is silent for half of the time gets company by the next, and
 * the first answer counts.
 */
public final class Call<T> {
    /** What is asked, given the time that is left, and how an answer is read. */
    public interface Question<T> {
        byte[] body(long timeoutMs);

        T read(byte[] answer) throws Failure;

        /** No right answer is longer: what is beyond is not read. Many answers are under way at once, in the node's heap. */
        long maxAnswerBytes();
    }

    /**
     * @param work what kind it is of: what fails for one kind may succeed for another
     * @param startNanos when the time began, on the clock of System.nanoTime
     * @param isUsualTime a silence of this length says something about the sidecar, not about a caller in a hurry
     * @param isUsualWork the same of a refusal for its load, and a caller who asks for more than others
     */
    public record Terms(
        String work,
        Map<String, String> headers,
        long startNanos,
        long timeoutMs,
        boolean isUsualTime,
        boolean isUsualWork
    ) {
        boolean isUsual() {
            return isUsualTime && isUsualWork;
        }

        long leftMs() {
            return timeoutMs - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos);
        }
    }

    /** A sidecar with more of the time than this could have answered. It rarely has all of it: fetching large hits takes some. */
    private static final double FULL_SHARE = 2.0 / 3;
    /** A little below the rest of it, since some time goes by until it is asked. */
    private static final double SPARE_SHARE = (1 - FULL_SHARE) * 0.9;

    private record Attempt(Sidecar sidecar, CompletableFuture<HttpResponse<byte[]>> response, boolean hasFullTime) {}

    private final Question<T> question;
    private final Terms terms;
    private final Deque<Sidecar> untried;
    private final List<Attempt> underWay = new ArrayList<>();
    private final List<Scheduler.Cancellable> timers = new ArrayList<>();
    private final CompletableFuture<T> result = new CompletableFuture<>();
    private boolean hasRetriedLostConnection;
    private boolean isOver;

    private Call(Endpoint endpoint, Question<T> question, Terms terms) {
        this.question = question;
        this.terms = terms;
        this.untried = new ArrayDeque<>(endpoint.inTurn(terms.work()));
    }

    /** So much of its time a sidecar can lack, and it still counts if it hangs. */
    public static long spareNanos(long timeoutMs) {
        return Math.round(TimeUnit.MILLISECONDS.toNanos(timeoutMs) * SPARE_SHARE);
    }

    public static <T> CompletableFuture<T> start(Endpoint endpoint, Node node, Question<T> question, Terms terms) {
        Call<T> call = new Call<>(endpoint, question, terms);
        call.start(node);
        return call.result;
    }

    private synchronized void start(Node node) {
        if (untried.isEmpty()) {
            result.completeExceptionally(new Failure(Failure.CIRCUIT_OPEN));
            return;
        }
        long leftMs = terms.leftMs();
        if (leftMs <= 0) {
            result.completeExceptionally(new Failure(Failure.DEADLINE));
            return;
        }
        timers.add(node.after(leftMs, this::timeUp));
        if (untried.size() > 1) {
            timers.add(node.after(leftMs / 2, this::askNext));
        }
        askNext();
    }

    private synchronized void askNext() {
        if (isOver == false && untried.isEmpty() == false) {
            ask(untried.poll());
        }
    }

    private void ask(Sidecar sidecar) {
        long leftMs = terms.leftMs();
        // the way back takes time too, and a partial answer in time is worth more than a whole one too late
        long sidecarMs = Math.max(1, leftMs - Math.max(5, leftMs / 10));
        CompletableFuture<HttpResponse<byte[]>> response = sidecar.send(
            question.body(sidecarMs),
            terms.headers(),
            question.maxAnswerBytes()
        );
        Attempt attempt = new Attempt(sidecar, response, terms.isUsualTime() && leftMs > terms.timeoutMs() * FULL_SHARE);
        underWay.add(attempt);
        response.whenComplete((answer, error) -> answered(attempt, answer, error));
    }

    private void answered(Attempt attempt, HttpResponse<byte[]> answer, Throwable error) {
        if (error instanceof CancellationException) {
            return;
        }
        try {
            T read = read(answer, error);
            attempt.sidecar.succeed(terms.work());
            overtaken(attempt);
            finish(() -> result.complete(read));
        } catch (Failure failure) {
            failedOver(attempt, failure);
        }
    }

    private T read(HttpResponse<byte[]> answer, Throwable error) throws Failure {
        if (error != null) {
            throw Failure.of(error);
        }
        if (answer.statusCode() != 200) {
            throw Failure.status(answer.statusCode(), answer.body());
        }
        return question.read(answer.body());
    }

    private void failedOver(Attempt attempt, Failure failure) {
        boolean isLast;
        synchronized (this) {
            if (isOver) {
                return;
            }
            underWay.remove(attempt);
            attempt.sidecar.fail(failure, terms.work(), counts(attempt, failure));
            retryLostConnection(attempt, failure);
            askNext();
            isLast = underWay.isEmpty();
        }
        if (isLast) {
            finish(() -> result.completeExceptionally(failure));
        }
    }

    /** Of a refusal for its load: anybody with work may refuse a search that comes with little time left. */
    private boolean counts(Attempt attempt, Failure failure) {
        boolean isOfUsual = terms.isUsual() && attempt.hasFullTime;
        return failure.isOfSize() == false && (failure.isOfLoad() == false || isOfUsual);
    }

    /** Who was asked first and is still silent, when one that was asked much later has answered, would have let time run out. */
    private synchronized void overtaken(Attempt winner) {
        if (isOver == false && winner.hasFullTime == false) {
            for (Attempt attempt : underWay) {
                if (attempt != winner) {
                    attempt.sidecar.fail(new Failure("overtaken"), terms.work(), attempt.hasFullTime);
                }
            }
        }
    }

    /** A pooled connection may be closed by the other side just as it is used, which says nothing about its health. */
    private void retryLostConnection(Attempt attempt, Failure failure) {
        if (failure.reason().equals(Failure.CONNECTION_LOST) && hasRetriedLostConnection == false) {
            hasRetriedLostConnection = true;
            untried.add(attempt.sidecar);
        }
    }

    private void timeUp() {
        Failure failure = new Failure(Failure.TIMEOUT);
        synchronized (this) {
            if (isOver == false) {
                underWay.forEach(attempt -> attempt.sidecar.fail(failure, terms.work(), attempt.hasFullTime));
            }
        }
        finish(() -> result.completeExceptionally(failure));
    }

    /** Lets go of everything before the search goes on, which it does on this thread. */
    private void finish(Runnable conclusion) {
        synchronized (this) {
            if (isOver) {
                return;
            }
            isOver = true;
            timers.forEach(Scheduler.Cancellable::cancel);
            underWay.forEach(attempt -> Privileged.run(() -> attempt.response.cancel(true)));
            underWay.clear();
        }
        conclusion.run();
    }
}
