package io.github.jrerank.opensearch.client;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The circuits of one sidecar: one for what is wrong with itself, and one for each kind of work that it fails at, so that passages too
 * long for the time of one index cost the searches of others nothing. Each change is a line in the log.
 */
final class Circuits {
    private static final Logger LOGGER = LogManager.getLogger(Circuits.class);
    static final int MAX_KINDS = 1_000;

    private final String name;
    private final int threshold;
    private final long intervalNanos;
    private final Breaker itself;
    private final Map<String, Breaker> byWork = new ConcurrentHashMap<>();
    private boolean isProbed;

    Circuits(String name, int threshold, long intervalNanos) {
        this.name = name;
        this.threshold = threshold;
        this.intervalNanos = intervalNanos;
        this.itself = new Breaker(threshold, intervalNanos);
    }

    boolean isOpen(String work) {
        Breaker breaker = byWork.get(work);
        return itself.isOpen() || breaker != null && breaker.isOpen();
    }

    boolean isAnyOpen() {
        return itself.isOpen() || openFor().isEmpty() == false;
    }

    boolean isOpenForAll() {
        return itself.isOpen();
    }

    /** The kinds of work for which alone it is open. */
    List<String> openFor() {
        List<String> open = new ArrayList<>();
        new TreeMap<>(byWork).forEach((work, breaker) -> {
            if (breaker.isOpen()) {
                open.add(work);
            }
        });
        return open;
    }

    int failuresInARow() {
        return Math.max(itself.failuresInARow(), byWork.values().stream().mapToInt(Breaker::failuresInARow).max().orElse(0));
    }

    void succeed(String work) {
        Breaker breaker = byWork.get(work);
        if (itself.succeed()) {
            LOGGER.info("jrerank circuit of {} closed: it answers again", name);
        }
        if (breaker != null && breaker.succeed()) {
            LOGGER.info("jrerank circuit of {} for {} closed: it answers again", name, work);
        }
    }

    /** Whether this failure is the one that opens a circuit. */
    boolean fail(Failure failure, String work, long nowNanos) {
        if (failure.isOfWork() == false) {
            boolean opens = itself.fail(nowNanos);
            if (opens) {
                LOGGER.warn("jrerank circuit of {} opened after {} failures in a row: {}", name, threshold, failure.words());
            }
            return opens;
        }
        boolean opens = ofWork(work).fail(nowNanos);
        if (opens) {
            LOGGER.warn("jrerank circuit of {} for {} opened after {} failures in a row: {}", name, work, threshold, failure.words());
        }
        return opens;
    }

    /** Callers choose the kinds: where all that are kept are open, another one has no circuit. */
    private Breaker ofWork(String work) {
        if (byWork.containsKey(work) == false && byWork.size() >= MAX_KINDS) {
            byWork.values().removeIf(breaker -> breaker.isOpen() == false);
            if (byWork.size() >= MAX_KINDS) {
                return new Breaker(threshold, intervalNanos);
            }
        }
        return byWork.computeIfAbsent(work, key -> new Breaker(threshold, intervalNanos));
    }

    /** A probe, which is nobody's work, was answered. */
    void answerProbe(long nowNanos) {
        if (itself.succeed()) {
            LOGGER.info("jrerank circuit of {} closed: it answers a probe", name);
        }
        byWork.forEach((work, breaker) -> {
            if (breaker.tryAgain(nowNanos)) {
                LOGGER.info("jrerank circuit of {} for {} closed on trial", name, work);
            }
        });
    }

    /** Whether a row of probes is to begin: the last one may still be under way, where a search has closed a circuit meanwhile. */
    synchronized boolean startProbing() {
        boolean starts = isProbed == false && isAnyOpen();
        isProbed |= starts;
        return starts;
    }

    /** Whether the row goes on. */
    synchronized boolean continueProbing() {
        isProbed = isAnyOpen();
        return isProbed;
    }
}
