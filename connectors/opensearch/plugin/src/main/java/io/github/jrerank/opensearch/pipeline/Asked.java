package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.client.Endpoints;
import io.github.jrerank.opensearch.ext.JrerankExt;
import org.opensearch.action.search.SearchRequest;

/**
 * Whom a pipeline's `jrerank` asks, which its `jrerank_window` comes to know by the first search through both: the two are made apart
 * from each other, and what nobody will rerank is not to be fetched.
 */
final class Asked {
    private volatile Options options;

    void by(Options asker) {
        options = asker;
    }

    /** Why nobody would be asked about this search, or null; not known before the first. */
    String refusal(Endpoints endpoints, SearchRequest request, JrerankExt ext) {
        Options known = options;
        return known == null ? null : endpoints.refusal(known.endpoint(), Work.of(request, known.store(), ext));
    }
}
