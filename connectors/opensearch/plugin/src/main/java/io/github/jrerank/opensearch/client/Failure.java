package io.github.jrerank.opensearch.client;

import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.CompletionException;
import javax.net.ssl.SSLException;

/** Why a sidecar gave no usable answer; `reason` is what the caller of the search reads in the marker. */
public final class Failure extends Exception {
    private static final long serialVersionUID = 1L;

    public static final String TIMEOUT = "timeout";
    public static final String DEADLINE = "deadline";
    public static final String UNREACHABLE = "unreachable";
    public static final String CONNECTION_LOST = "connection_lost";
    public static final String TLS_ERROR = "tls_error";
    public static final String CIRCUIT_OPEN = "circuit_open";
    /** It is this node that has no time, and no sidecar was asked. */
    public static final String NODE_BUSY = "node_busy";
    public static final String UNKNOWN_ENDPOINT = "unknown_endpoint";
    public static final String INTERNAL_ERROR = "internal_error";
    public static final String INVALID_ANSWER = "invalid_answer";

    private static final Set<String> WITHOUT_REQUEST = Set.of(CIRCUIT_OPEN, NODE_BUSY, UNKNOWN_ENDPOINT);
    private static final Set<String> OF_SIDECAR_ITSELF = Set.of("status_401", "status_403", "status_407", "status_429");
    private static final Set<String> OF_TIME = Set.of(TIMEOUT, "overtaken");
    private static final int SHOWN_BYTES = 300;

    private final String reason;

    public Failure(String reason) {
        this(reason, null);
    }

    public Failure(String reason, Throwable cause) {
        this(reason, reason, cause);
    }

    private Failure(String reason, String words, Throwable cause) {
        super(words, cause, false, false);
        this.reason = reason;
    }

    /** `body` is what the sidecar, or whoever answers in its place, says of it. */
    public static Failure status(int status, byte[] body) {
        String reason = "status_" + status;
        String words = new String(body, 0, Math.min(body.length, SHOWN_BYTES), StandardCharsets.UTF_8);
        return new Failure(reason, reason + ": " + words.replaceAll("\\p{Cntrl}", " ").trim(), null);
    }

    /** Without the JDK's exception, which shows the key. */
    static Failure unsendableKey() {
        return new Failure(INTERNAL_ERROR, INTERNAL_ERROR + ": no header can hold the API key in the keystore", null);
    }

    public static Failure of(Throwable error) {
        Throwable cause = error instanceof CompletionException && error.getCause() != null ? error.getCause() : error;
        if (cause instanceof Failure failure) {
            return failure;
        }
        return new Failure(reasonOf(cause), cause);
    }

    private static String reasonOf(Throwable cause) {
        if (isConnect(cause) || isConnect(cause.getCause())) {
            return UNREACHABLE;
        }
        if (cause instanceof IOException && cause.getCause() instanceof Failure failure) {
            return failure.reason;
        }
        if (cause instanceof SSLException) {
            return TLS_ERROR;
        }
        return cause instanceof IOException ? CONNECTION_LOST : INTERNAL_ERROR;
    }

    private static boolean isConnect(Throwable cause) {
        return cause instanceof ConnectException
            || cause instanceof HttpConnectTimeoutException
            || cause instanceof UnresolvedAddressException;
    }

    public String reason() {
        return reason;
    }

    /** The reason, and what the sidecar or the connection says of it. */
    public String words() {
        return getCause() == null ? getMessage() : getMessage() + ": " + getCause();
    }

    /** Whether it is the reason of a search that should have been reranked, and for which no sidecar was asked. */
    public static boolean isWithoutRequest(String reason) {
        return reason != null && WITHOUT_REQUEST.contains(reason);
    }

    /** About what the sidecar can do in the time that it was given, beside what is open there. */
    public boolean isOfLoad() {
        return reason.equals("status_429");
    }

    /** About how much one search sends: it is told at once, and says nothing about the next search. */
    public boolean isOfSize() {
        return reason.equals("status_413");
    }

    /** About what was sent, and how much of it, so that other work may well succeed. */
    public boolean isOfWork() {
        boolean isRefusal = reason.startsWith("status_4") && OF_SIDECAR_ITSELF.contains(reason) == false;
        return isRefusal || OF_TIME.contains(reason);
    }
}
