package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.client.Endpoints;
import io.github.jrerank.opensearch.ext.JrerankExt;
import org.opensearch.action.search.SearchRequest;

/**
 * The endpoint and the store of a pipeline's `jrerank`, which its `jrerank_window` learns from the first search through both: OpenSearch
 * makes the two apart from each other, and nothing should be fetched for reranking where no sidecar would be asked.
 */
final class RerankTarget {
    private volatile Options options;

    void remember(Options reranks) {
        options = reranks;
    }

    /** Why no sidecar would be asked about this search, or null, as it is before the first search. */
    String refusal(Endpoints endpoints, SearchRequest request, JrerankExt ext) {
        Options known = options;
        return known == null ? null : endpoints.refusal(known.endpoint(), Work.of(request, known.store(), ext));
    }
}
