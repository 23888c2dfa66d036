package io.github.jrerank.opensearch.query;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.opensearch.common.xcontent.XContentHelper;
import org.opensearch.common.xcontent.json.JsonXContent;

/**
 * What was searched for, found in a search body's `query`: what a person would name, never a filter, or nothing.
 *
 * It is the text on the likeliest field; among equals the longest, and among these the first.
 */
public final class QueryText {
    /** {"match": {FIELD: "text"}} or {"match": {FIELD: {"query": "text"}}}. */
    private static final Set<String> ON_TEXT_FIELD = Set.of(
        "match", "match_phrase", "match_phrase_prefix", "match_bool_prefix", "common"
    );
    /** The same on a field of vectors: under the field, the key that holds the text. */
    private static final Map<String, String> ON_VECTOR_FIELD = Map.of(
        "neural", "query_text",
        "neural_sparse", "query_text",
        "text_expansion", "model_text"
    );
    private static final Set<String> ON_FIELDS = Set.of("multi_match", "combined_fields");
    private static final Set<String> WITH_SYNTAX = Set.of("query_string", "simple_query_string");
    private static final Map<String, String> WITH_TEXT = Map.of(
        "semantic", "query",
        "sparse_vector", "query",
        "agentic", "query_text"
    );
    /** Queries around other queries. What only filters (`filter`, `must_not`, `constant_score`) was not searched for. */
    private static final Map<String, String> AROUND = Map.ofEntries(
        Map.entry("dis_max", "queries"),
        Map.entry("hybrid", "queries"),
        Map.entry("boosting", "positive"),
        Map.entry("function_score", "query"),
        Map.entry("script_score", "query"),
        Map.entry("nested", "query"),
        Map.entry("has_child", "query"),
        Map.entry("has_parent", "query"),
        Map.entry("pinned", "organic"),
        Map.entry("rule", "organic"),
        Map.entry("span_or", "clauses"),
        Map.entry("span_first", "match"),
        Map.entry("span_multi", "match"),
        Map.entry("span_not", "include"),
        Map.entry("span_containing", "big"),
        Map.entry("span_within", "little"),
        Map.entry("field_masking_span", "query")
    );
    /** {"span_term": {FIELD: "word"}} or {"span_term": {FIELD: {"value": "word"}}}. */
    private static final Set<String> ON_TERM = Set.of("span_term", "fuzzy");
    private static final BodyPath VECTOR_BUILDER = BodyPath.of("query_vector_builder.text_embedding.model_text");
    private static final Pattern MATCHES_ALL = Pattern.compile("[\\s*?:]*", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{|\\{\\{");
    private static final int MAX_DEPTH = 50;

    private record Found(String text, FieldKind kind) {
        static final Comparator<Found> LIKELIEST = Comparator.comparing(Found::kind)
            .thenComparing(Comparator.comparingInt((Found found) -> found.text().codePointCount(0, found.text().length())).reversed());
    }

    private final Fields fields;

    private QueryText(Fields fields) {
        this.fields = fields;
    }

    /** Null where there is none. */
    public static String find(Object query, Fields fields) {
        return new QueryText(fields).in(query, 0).map(Found::text).orElse(null);
    }

    /** Text that says something: not blank, not `*` or `*:*`, no variable that a template has left open. */
    public static Optional<String> text(Object value) {
        boolean says = value instanceof String text
            && MATCHES_ALL.matcher(text).matches() == false
            && VARIABLE.matcher(text).find() == false;
        return says ? Optional.of((String) value) : Optional.empty();
    }

    private Optional<Found> in(Object query, int depth) {
        if (depth > MAX_DEPTH) {
            return Optional.empty();
        }
        if (query instanceof List<?> queries) {
            return best(queries.stream().map(one -> in(one, depth + 1)));
        }
        if (query instanceof Map<?, ?> map) {
            return best(map.entrySet().stream().map(entry -> ofType(String.valueOf(entry.getKey()), entry.getValue(), depth + 1)));
        }
        return Optional.empty();
    }

    private List<Found> each(Object queries, int depth) {
        return asList(queries).stream().map(one -> in(one, depth + 1)).flatMap(Optional::stream).toList();
    }

    private Optional<Found> ofType(String type, Object value, int depth) {
        if ((value instanceof Map) == false || weighsNothing(value)) {
            return Optional.empty();
        }
        Map<?, ?> body = (Map<?, ?>) value;
        if (AROUND.containsKey(type)) {
            return in(body.get(AROUND.get(type)), depth);
        }
        return switch (type) {
            case "bool" -> ofBool(together(each(body.get("must"), depth), FieldKind.TEXT), in(body.get("should"), depth));
            case "span_near" -> together(each(body.get("clauses"), depth), FieldKind.UNKNOWN);
            case "template" -> in(body, depth);
            case "wrapper" -> in(unwrapped(body.get("query")), depth);
            default -> ofLeaf(type, body);
        };
    }

    /** What has to match goes before what may, on fields of the same kind. */
    private static Optional<Found> ofBool(Optional<Found> must, Optional<Found> should) {
        if (must.isEmpty() || should.isEmpty()) {
            return must.or(() -> should);
        }
        return should.get().kind().compareTo(must.get().kind()) < 0 ? should : must;
    }

    /** All texts on fields of the likeliest kind, each once, where all have to match; but the best alone on an unlikelier kind. */
    private static Optional<Found> together(List<Found> found, FieldKind atMost) {
        Optional<Found> best = best(found.stream().map(Optional::of));
        if (best.isEmpty() || best.get().kind().compareTo(atMost) > 0) {
            return best;
        }
        FieldKind kind = best.get().kind();
        List<String> texts = found.stream().filter(one -> one.kind() == kind).map(Found::text).distinct().toList();
        String whole = texts.stream()
            .filter(text -> texts.stream().noneMatch(other -> other.equals(text) == false && other.contains(text)))
            .collect(Collectors.joining(" "));
        return Optional.of(new Found(whole, kind));
    }

    private Optional<Found> ofLeaf(String type, Map<?, ?> body) {
        if (ON_TEXT_FIELD.contains(type)) {
            return onField(body, value -> text(underField(value, "query")));
        }
        if (ON_TERM.contains(type)) {
            return onField(body, value -> text(underField(value, "value")));
        }
        if (type.equals("intervals")) {
            return onField(body, QueryText::ofIntervals);
        }
        if (ON_VECTOR_FIELD.containsKey(type)) {
            return best(body.values().stream().map(value -> found(text(underField(value, ON_VECTOR_FIELD.get(type))), FieldKind.UNKNOWN)));
        }
        if (WITH_TEXT.containsKey(type)) {
            return found(text(body.get(WITH_TEXT.get(type))), FieldKind.UNKNOWN);
        }
        if (type.equals("knn")) {
            return found(text(VECTOR_BUILDER.read(body)), FieldKind.UNKNOWN);
        }
        return found(onFields(type, body), kindOfFields(body));
    }

    private Optional<Found> onField(Map<?, ?> body, Function<Object, Optional<String>> read) {
        return best(
            body.entrySet()
                .stream()
                .filter(entry -> weighsNothing(entry.getValue()) == false)
                .map(entry -> found(read.apply(entry.getValue()), fields.kind(String.valueOf(entry.getKey()))))
        );
    }

    private FieldKind kindOfFields(Map<?, ?> body) {
        Object named = body.get("fields") instanceof List<?> list && list.isEmpty() ? null : body.get("fields");
        Object fieldsOrDefault = named == null ? body.get("default_field") : named;
        return fields.likeliest(fieldsOrDefault == null ? List.of() : asList(fieldsOrDefault));
    }

    private Optional<String> onFields(String type, Map<?, ?> body) {
        if (type.equals("more_like_this")) {
            return longest(asList(body.get("like")).stream().map(QueryText::text));
        }
        boolean isKnown = ON_FIELDS.contains(type) || WITH_SYNTAX.contains(type);
        Optional<String> text = isKnown ? text(body.get("query")) : Optional.empty();
        if (type.equals("query_string")) {
            return text.map(query -> QuerySyntax.wordsOfQueryString(query, fields::kind)).flatMap(QueryText::text);
        }
        boolean isSwitchedOff = Set.of("NONE", "0").contains(String.valueOf(body.get("flags")));
        if (type.equals("simple_query_string") && isSwitchedOff == false) {
            return text.map(QuerySyntax::wordsOfSimpleQueryString).flatMap(QueryText::text);
        }
        return text;
    }

    private static Optional<String> ofIntervals(Object value) {
        if ((value instanceof Map) == false) {
            return Optional.empty();
        }
        Map<?, ?> rule = (Map<?, ?>) value;
        String every = ofIntervals(rule, "all_of").collect(Collectors.joining(" "));
        return text(underField(rule.get("match"), "query"))
            .or(() -> text(every))
            .or(() -> longest(ofIntervals(rule, "any_of").map(Optional::of)));
    }

    private static Stream<String> ofIntervals(Map<?, ?> rule, String kind) {
        Object rules = rule.get(kind) instanceof Map<?, ?> body ? body.get("intervals") : null;
        return asList(rules).stream().map(QueryText::ofIntervals).flatMap(Optional::stream);
    }

    private static Object unwrapped(Object encoded) {
        try {
            String json = new String(Base64.getDecoder().decode(String.valueOf(encoded)), StandardCharsets.UTF_8);
            return XContentHelper.convertToMap(JsonXContent.jsonXContent, json, false);
        } catch (RuntimeException noQuery) {
            return null;
        }
    }

    private static boolean weighsNothing(Object query) {
        return query instanceof Map<?, ?> map && map.get("boost") instanceof Number boost && boost.doubleValue() == 0;
    }

    private static Object underField(Object value, String key) {
        return value instanceof Map<?, ?> map ? map.get(key) : value;
    }

    private static List<?> asList(Object value) {
        if (value instanceof List<?> list) {
            return list;
        }
        return value == null ? List.of() : List.of(value);
    }

    private static Optional<Found> found(Optional<String> text, FieldKind kind) {
        return text.filter(says -> kind != FieldKind.OTHER).map(says -> new Found(says, kind));
    }

    private static Optional<Found> best(Stream<Optional<Found>> candidates) {
        return candidates.flatMap(Optional::stream).min(Found.LIKELIEST);
    }

    private static Optional<String> longest(Stream<Optional<String>> texts) {
        return best(texts.map(text -> found(text, FieldKind.TEXT))).map(Found::text);
    }
}
