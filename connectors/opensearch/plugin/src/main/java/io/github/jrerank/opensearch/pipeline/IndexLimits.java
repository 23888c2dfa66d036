package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.ext.OptionChecks;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.opensearch.OpenSearchException;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.cluster.ClusterState;
import org.opensearch.cluster.metadata.IndexMetadata;
import org.opensearch.cluster.metadata.IndexNameExpressionResolver;
import org.opensearch.core.index.Index;
import org.opensearch.index.IndexSettings;

/** What the searched indexes can give: a search that asks for more than that fails, and it must not because of us. */
class IndexLimits {
    private final Supplier<ClusterState> state;
    private final IndexNameExpressionResolver resolver;
    private final IndexMappings mappings = new IndexMappings();

    IndexLimits(Supplier<ClusterState> state, IndexNameExpressionResolver resolver) {
        this.state = state;
        this.resolver = resolver;
    }

    /** The limits of the indexes of one search. */
    Of of(SearchRequest request) {
        return new Of(indexes(request));
    }

    class Of {
        private final List<IndexMetadata> indexes;
        private List<IndexMappings.Facts> facts;

        Of(List<IndexMetadata> indexes) {
            this.indexes = indexes;
        }

        /** An index that is made again under its old name is another one. */
        List<String> uuids() {
            return indexes.stream().map(IndexMetadata::getIndexUUID).toList();
        }

        /** So many hits every one of them gives. */
        int maxResultWindow() {
            return resultWindows().min().orElse(OptionChecks.MAX_WINDOW);
        }

        /** Of more hits than these none of them gives any. */
        int largestResultWindow() {
            return resultWindows().max().orElse(OptionChecks.MAX_WINDOW);
        }

        private IntStream resultWindows() {
            return indexes.stream().mapToInt(index -> IndexSettings.MAX_RESULT_WINDOW_SETTING.get(index.getSettings()));
        }

        /** Once for the search, where anybody asks. */
        private List<IndexMappings.Facts> facts() {
            if (facts == null) {
                facts = mappings.of(indexes);
            }
            return facts;
        }

        /** Whether some index keeps no `_source`, or may keep none; a filter on it would then be an error. */
        boolean isSourceless() {
            return facts().stream().anyMatch(one -> one.keepsSource() == false);
        }

        /** The type of a field, the text's where indexes differ; null where none is known to have it. */
        Function<String, String> types() {
            return name -> {
                String found = null;
                for (IndexMappings.Facts one : facts()) {
                    String type = one.types().get(name);
                    found = found == null || "text".equals(type) ? type : found;
                }
                return found;
            };
        }
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
