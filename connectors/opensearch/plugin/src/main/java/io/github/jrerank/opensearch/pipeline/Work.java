package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.ext.JrerankExt;
import org.opensearch.action.search.SearchRequest;

/**
 * What kind of work a search is to a sidecar: what is too much for the time in one index may well be done in another, and so what one
 * caller asks for beyond others.
 */
final class Work {
    private static final int SHOWN_CHARS = 200;

    private Work() {}

    /** @param store null where the passages are sent */
    static String of(SearchRequest request, String store, JrerankExt ext) {
        String indexes = "[" + shortened(String.join(",", request.indices())) + "]";
        String stores = store == null ? "" : " by store [" + store + "]";
        String callers = ext.work().isEmpty() ? "" : " with [" + shortened(ext.work()) + "]";
        return indexes + stores + callers;
    }

    private static String shortened(String names) {
        return names.length() > SHOWN_CHARS ? names.substring(0, SHOWN_CHARS) + "..." : names;
    }
}
