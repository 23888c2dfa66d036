package io.github.jrerank.opensearch.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.opensearch.OpenSearchException;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.cluster.ClusterState;
import org.opensearch.cluster.metadata.IndexMetadata;
import org.opensearch.cluster.metadata.IndexNameExpressionResolver;
import org.opensearch.cluster.metadata.MappingMetadata;
import org.opensearch.core.index.Index;
import org.opensearch.index.IndexSettings;

/** What the searched indexes can give: a search that asks for more than that fails, and it must not because of us. */
class IndexLimits {
    private final Supplier<ClusterState> state;
    private final IndexNameExpressionResolver resolver;

    IndexLimits(Supplier<ClusterState> state, IndexNameExpressionResolver resolver) {
        this.state = state;
        this.resolver = resolver;
    }

    int maxResultWindow(SearchRequest request) {
        return indexes(request).stream()
            .mapToInt(index -> IndexSettings.MAX_RESULT_WINDOW_SETTING.get(index.getSettings()))
            .min()
            .orElse(Window.MAX);
    }

    /** Whether some index keeps no `_source`; a filter on it would then be an error. */
    boolean isSourceless(SearchRequest request) {
        return indexes(request).stream().map(IndexMetadata::mapping).anyMatch(IndexLimits::isSourceless);
    }

    private static boolean isSourceless(MappingMetadata mapping) {
        Object source = mapping == null ? null : mapping.sourceAsMap().get("_source");
        return source instanceof Map<?, ?> map && "false".equals(String.valueOf(map.get("enabled")));
    }

    private List<IndexMetadata> indexes(SearchRequest request) {
        List<IndexMetadata> found = new ArrayList<>();
        ClusterState now = state.get();
        for (Index index : concrete(now, request)) {
            IndexMetadata metadata = now.metadata().index(index);
            if (metadata != null) {
                found.add(metadata);
            }
        }
        return found;
    }

    private Index[] concrete(ClusterState now, SearchRequest request) {
        try {
            return resolver.concreteIndices(now, request);
        } catch (OpenSearchException | IllegalArgumentException notOursToReport) {
            return Index.EMPTY_ARRAY;
        }
    }
}
