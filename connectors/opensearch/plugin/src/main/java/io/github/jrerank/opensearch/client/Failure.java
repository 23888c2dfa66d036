package io.github.jrerank.opensearch.client;

import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.util.concurrent.CompletionException;
import javax.net.ssl.SSLException;

/** Why a sidecar gave no usable answer; `reason` is what the caller of the search reads in the marker. */
public final class Failure extends Exception {
    private static final long serialVersionUID = 1L;

    public static final String TIMEOUT = "timeout";
    public static final String UNREACHABLE = "unreachable";
    public static final String CONNECTION_LOST = "connection_lost";
    public static final String TLS_ERROR = "tls_error";
    public static final String CIRCUIT_OPEN = "circuit_open";
    public static final String UNKNOWN_ENDPOINT = "unknown_endpoint";
    public static final String INTERNAL_ERROR = "internal_error";
    public static final String INVALID_ANSWER = "invalid_answer";

    private final String reason;

    public Failure(String reason) {
        this(reason, null);
    }

    public Failure(String reason, Throwable cause) {
        super(reason, cause, false, false);
        this.reason = reason;
    }

    public static Failure status(int status) {
        return new Failure("status_" + status);
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

    /** A 4xx other than "too many requests" is about what was sent: another sidecar would say the same. */
    public boolean isSidecars() {
        return reason.startsWith("status_4") == false || reason.equals("status_429");
    }
}
