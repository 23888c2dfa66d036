package io.github.jrerank.opensearch.pipeline;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/** What was searched for, found in a search body's `query`. */
public final class QueryText {
    /** {"match": {FIELD: "text"}} or {"match": {FIELD: {"query": "text"}}}: under a field, the key that holds the text. */
    private static final Map<String, List<String>> PER_FIELD = Map.of(
        "match", List.of("query"),
        "match_phrase", List.of("query"),
        "match_phrase_prefix", List.of("query"),
        "match_bool_prefix", List.of("query"),
        "neural", List.of("query_text"),
        "neural_sparse", List.of("query_text"),
        "text_expansion", List.of("model_text")
    );
    private static final Set<String> WITH_TEXT = Set.of(
        "multi_match", "combined_fields", "simple_query_string", "query_string", "semantic", "sparse_vector"
    );
    /** Queries around other queries, and where these are, the likeliest first. `must_not` is what was not searched for. */
    private static final Map<String, List<String>> AROUND = Map.ofEntries(
        Map.entry("bool", List.of("must", "should", "filter")),
        Map.entry("dis_max", List.of("queries")),
        Map.entry("hybrid", List.of("queries")),
        Map.entry("boosting", List.of("positive")),
        Map.entry("constant_score", List.of("filter")),
        Map.entry("function_score", List.of("query")),
        Map.entry("script_score", List.of("query")),
        Map.entry("nested", List.of("query")),
        Map.entry("has_child", List.of("query")),
        Map.entry("has_parent", List.of("query")),
        Map.entry("pinned", List.of("organic"))
    );
    private static final String VECTOR_BUILDER_PATH = "query_vector_builder.text_embedding.model_text";

    private QueryText() {}

    /** Null where there is none. */
    public static String find(Object query) {
        return in(query).orElse(null);
    }

    private static Optional<String> in(Object query) {
        if (query instanceof List<?> queries) {
            return first(queries.stream(), QueryText::in);
        }
        if (query instanceof Map<?, ?> map) {
            return first(map.entrySet().stream(), entry -> ofType(String.valueOf(entry.getKey()), entry.getValue()));
        }
        return Optional.empty();
    }

    private static Optional<String> ofType(String type, Object body) {
        if ((body instanceof Map) == false) {
            return Optional.empty();
        }
        Map<?, ?> map = (Map<?, ?>) body;
        if (PER_FIELD.containsKey(type)) {
            return first(map.values().stream(), value -> underField(value, PER_FIELD.get(type)));
        }
        if (WITH_TEXT.contains(type)) {
            return text(map.get("query"));
        }
        if ("knn".equals(type)) {
            return text(BodyPath.of(VECTOR_BUILDER_PATH).read(map));
        }
        return first(AROUND.getOrDefault(type, List.of()).stream(), key -> in(map.get(key)));
    }

    private static Optional<String> underField(Object value, List<String> keys) {
        if (value instanceof Map<?, ?> map) {
            return first(keys.stream(), key -> text(map.get(key)));
        }
        return text(value);
    }

    static Optional<String> text(Object value) {
        return value instanceof String text && text.isBlank() == false ? Optional.of(text) : Optional.empty();
    }

    private static <T> Optional<String> first(Stream<T> places, Function<T, Optional<String>> look) {
        return places.map(look).flatMap(Optional::stream).findFirst();
    }
}
