package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.ext.JrerankExt;
import java.util.List;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.search.sort.ScoreSortBuilder;
import org.opensearch.search.sort.SortBuilder;
import org.opensearch.search.sort.SortOrder;

/** Why a search is left as it is; null where it is to be reranked. */
public final class Passthrough {
    public static final String DISABLED = "disabled";
    public static final String SIZE_ZERO = "size_zero";
    public static final String SEARCH_AFTER = "search_after";
    public static final String SORT = "sort";
    public static final String NO_QUERY_TEXT = "no_query_text";
    public static final String BEYOND_WINDOW = "beyond_window";
    public static final String NO_HITS = "no_hits";
    public static final String NO_PASSAGES = "no_passages";
    public static final String PASSAGES_FILTERED = "passages_filtered";
    public static final String COLLAPSE_GROUP = "collapse_group";
    public static final String REMOTE_CLUSTER = "remote_cluster";

    private Passthrough() {}

    public static String reason(SearchSourceBuilder search, JrerankExt ext, String queryText, int window) {
        if (ext.isEnabled() == false) {
            return DISABLED;
        }
        if (search.size() == 0) {
            return SIZE_ZERO;
        }
        if (search.searchAfter() != null) {
            return SEARCH_AFTER;
        }
        if (isByScore(search.sorts()) == false) {
            return SORT;
        }
        if (queryText == null) {
            return NO_QUERY_TEXT;
        }
        return search.from() >= window ? BEYOND_WINDOW : null;
    }

    /** A lone `_score` is the order of a search without a sort. */
    private static boolean isByScore(List<SortBuilder<?>> sorts) {
        if (sorts == null || sorts.isEmpty()) {
            return true;
        }
        SortBuilder<?> first = sorts.get(0);
        return sorts.size() == 1 && first instanceof ScoreSortBuilder && first.order() == SortOrder.DESC;
    }
}
