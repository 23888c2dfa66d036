package io.github.jrerank.opensearch.pipeline;

import java.util.List;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.common.util.concurrent.ThreadContext;
import org.opensearch.index.query.BoolQueryBuilder;
import org.opensearch.index.query.ExistsQueryBuilder;
import org.opensearch.index.query.MatchQueryBuilder;
import org.opensearch.index.query.QueryBuilder;
import org.opensearch.search.collapse.CollapseBuilder;

/**
 * The searches by which OpenSearch itself fills the inner hits of a collapsed search, one for each hit.
 *
 * An index's default pipeline is put upon these too. Nothing in them says what they are, so they are known by the
 * collapsed search in whose thread context they come and by the shape that OpenSearch gives their query.
 */
final class GroupSearches {
    private static final String HEADER = "jrerank.collapse.";

    private final ThreadContext threadContext;

    GroupSearches(ThreadContext threadContext) {
        this.threadContext = threadContext;
    }

    void expectFrom(SearchRequest request) {
        CollapseBuilder collapse = request.source().collapse();
        if (collapse != null && collapse.getInnerHits().isEmpty() == false && isExpected(collapse.getField()) == false) {
            // a header, since these searches come back over the transport, which drops a context's transients
            threadContext.putHeader(HEADER + collapse.getField(), "");
        }
    }

    boolean isOne(SearchRequest request) {
        return request.source().query() instanceof BoolQueryBuilder group && isGroup(group);
    }

    private boolean isExpected(String field) {
        return threadContext.getHeader(HEADER + field) != null;
    }

    private boolean isGroup(BoolQueryBuilder query) {
        if (query.should().isEmpty() == false || query.must().size() > 1) {
            return false;
        }
        boolean hasValue = query.mustNot().isEmpty() && lone(query.filter()) instanceof MatchQueryBuilder match
            && isExpected(match.fieldName());
        boolean hasNone = query.filter().isEmpty() && lone(query.mustNot()) instanceof ExistsQueryBuilder exists
            && isExpected(exists.fieldName());
        return hasValue || hasNone;
    }

    private static QueryBuilder lone(List<QueryBuilder> queries) {
        return queries.size() == 1 ? queries.get(0) : null;
    }
}
