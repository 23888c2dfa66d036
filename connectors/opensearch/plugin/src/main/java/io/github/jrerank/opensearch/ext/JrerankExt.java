package io.github.jrerank.opensearch.ext;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.core.common.io.stream.StreamInput;
import org.opensearch.core.common.io.stream.StreamOutput;
import org.opensearch.core.xcontent.XContentBuilder;
import org.opensearch.core.xcontent.XContentParser;
import org.opensearch.search.SearchExtBuilder;
import org.opensearch.search.builder.SearchSourceBuilder;

/** `ext.jrerank`: in a request what the caller wants, in a response what became of it. */
public final class JrerankExt extends SearchExtBuilder {
    public static final String NAME = "jrerank";
    public static final JrerankExt NONE = new JrerankExt(Map.of());

    /** What is wrong with the value of a key, or null. */
    private static final Map<String, Function<Object, String>> CHECKS = Map.ofEntries(
        Map.entry("query", isA(String.class, "a text")),
        Map.entry("enabled", isA(Boolean.class, "true or false")),
        Map.entry("hit_details", isA(Boolean.class, "true or false")),
        Map.entry("timeout_ms", value -> problemOfNumber(value, Integer.MAX_VALUE)),
        Map.entry("window", value -> problemOfNumber(value, OptionChecks.MAX_WINDOW)),
        Map.entry("max_tokens_per_doc", value -> problemOfNumber(value, OptionChecks.MAX_TOKENS)),
        Map.entry("passage_fields", value -> value instanceof List<?> list ? OptionChecks.problemOfFields(list) : "must be a list"),
        Map.entry("fusion", value -> value instanceof Map<?, ?> map ? OptionChecks.problemOfFusion(map) : "must be an object"),
        Map.entry("passage_from", OptionChecks::problemOfPassageFrom),
        Map.entry("unread", OptionChecks::problemOfUnread),
        Map.entry("min_score", OptionChecks::problemOfMinScore)
    );

    /** With these more is sent, or something else, than for other searches of the same indexes. */
    private static final List<String> OF_WORK = List.of("window", "max_tokens_per_doc", "passage_fields", "passage_from", "fusion");

    private final Map<String, Object> values;

    public JrerankExt(Map<String, Object> values) {
        this.values = values;
    }

    public JrerankExt(StreamInput in) throws IOException {
        this(in.readMap());
    }

    public static JrerankExt parse(XContentParser parser) throws IOException {
        if (parser.currentToken() == XContentParser.Token.VALUE_NULL) {
            return NONE;
        }
        if (parser.currentToken() != XContentParser.Token.START_OBJECT) {
            throw new IllegalArgumentException("ext." + NAME + " must be an object");
        }
        Map<String, Object> values = parser.map();
        values.forEach(JrerankExt::check);
        return new JrerankExt(values);
    }

    private static void check(String key, Object value) {
        if (CHECKS.containsKey(key) == false) {
            throw new IllegalArgumentException("ext.jrerank has no [" + key + "], only " + new TreeSet<>(CHECKS.keySet()));
        }
        String problem = value == null ? null : CHECKS.get(key).apply(value);
        if (problem != null) {
            throw new IllegalArgumentException("ext.jrerank." + key + " " + problem);
        }
    }

    private static Function<Object, String> isA(Class<?> type, String words) {
        return value -> type.isInstance(value) ? null : "must be " + words;
    }

    private static String problemOfNumber(Object value, int most) {
        return value instanceof Integer number && number >= 1 && number <= most ? null : "must be a whole number from 1 to " + most;
    }

    public static JrerankExt of(SearchRequest request) {
        for (SearchExtBuilder ext : request.source().ext()) {
            if (ext instanceof JrerankExt found) {
                return found;
            }
        }
        return NONE;
    }

    /** Once it is read it goes no further: a node without this plugin could not read it. The search is left as it is. */
    public static SearchSourceBuilder takenOutOf(SearchSourceBuilder search) {
        List<SearchExtBuilder> others = search.ext().stream().filter(ext -> (ext instanceof JrerankExt) == false).toList();
        if (others.size() == search.ext().size()) {
            return search;
        }
        SearchSourceBuilder copy = search.shallowCopy();
        return copy.searchPipelineSource(search.searchPipelineSource()).ext(others);
    }

    public String query() {
        return (String) values.get("query");
    }

    public boolean isEnabled() {
        return Boolean.FALSE.equals(values.get("enabled")) == false;
    }

    public boolean wantsHitDetails() {
        return Boolean.TRUE.equals(values.get("hit_details"));
    }

    public int timeoutMs(int otherwise) {
        return values.get("timeout_ms") instanceof Integer timeoutMs ? timeoutMs : otherwise;
    }

    /** What the caller says of how much is sent, and of what; empty where that is as the pipeline says. */
    public String work() {
        return OF_WORK.stream()
            .filter(key -> values.get(key) != null)
            .map(key -> key + " " + values.get(key))
            .collect(Collectors.joining(", "));
    }

    /** What the caller says of `key`, of the type that it was checked to have. */
    @SuppressWarnings("unchecked")
    public <T> T or(String key, T otherwise) {
        Object value = values.get(key);
        return value == null ? otherwise : (T) value;
    }

    @Override
    public String getWriteableName() {
        return NAME;
    }

    @Override
    public void writeTo(StreamOutput out) throws IOException {
        out.writeMap(values);
    }

    @Override
    public XContentBuilder toXContent(XContentBuilder builder, Params params) throws IOException {
        return builder.field(NAME, values);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof JrerankExt ext && ext.values.equals(values);
    }

    @Override
    public int hashCode() {
        return Objects.hash(values);
    }
}
