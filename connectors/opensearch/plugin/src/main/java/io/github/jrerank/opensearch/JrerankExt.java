package io.github.jrerank.opensearch;

import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.core.common.io.stream.StreamInput;
import org.opensearch.core.common.io.stream.StreamOutput;
import org.opensearch.core.xcontent.XContentBuilder;
import org.opensearch.core.xcontent.XContentParser;
import org.opensearch.search.SearchExtBuilder;

/** `ext.jrerank`: in a request what the caller wants, in a response what became of it. */
public final class JrerankExt extends SearchExtBuilder {
    public static final String NAME = "jrerank";
    public static final JrerankExt NONE = new JrerankExt(Map.of());
    private static final Set<String> REQUEST_KEYS = Set.of("query", "enabled", "timeout_ms", "hit_details");

    private final Map<String, Object> values;

    public JrerankExt(Map<String, Object> values) {
        this.values = values;
    }

    public JrerankExt(StreamInput in) throws IOException {
        this(in.readMap());
    }

    public static JrerankExt parse(XContentParser parser) throws IOException {
        Map<String, Object> values = parser.map();
        for (String key : values.keySet()) {
            if (REQUEST_KEYS.contains(key) == false) {
                throw new IllegalArgumentException("ext.jrerank has no [" + key + "], only " + REQUEST_KEYS);
            }
        }
        return new JrerankExt(values).checked();
    }

    private JrerankExt checked() {
        check("query", String.class);
        check("enabled", Boolean.class);
        check("hit_details", Boolean.class);
        check("timeout_ms", Integer.class);
        if (timeoutMs(1) < 1) {
            throw new IllegalArgumentException("ext.jrerank.timeout_ms must be at least 1");
        }
        return this;
    }

    private void check(String key, Class<?> type) {
        Object value = values.get(key);
        if (value != null && type.isInstance(value) == false) {
            throw new IllegalArgumentException("ext.jrerank." + key + " must be of type " + type.getSimpleName());
        }
    }

    public static JrerankExt of(SearchRequest request) {
        for (SearchExtBuilder ext : request.source().ext()) {
            if (ext instanceof JrerankExt found) {
                return found;
            }
        }
        return NONE;
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
