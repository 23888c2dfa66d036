package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.ext.JrerankExt;
import io.github.jrerank.opensearch.ext.OptionChecks;
import io.github.jrerank.opensearch.query.BodyPath;
import io.github.jrerank.opensearch.query.Fields;
import io.github.jrerank.opensearch.query.QueryText;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.opensearch.common.xcontent.XContentFactory;
import org.opensearch.common.xcontent.XContentHelper;
import org.opensearch.core.xcontent.MediaTypeRegistry;
import org.opensearch.core.common.bytes.BytesReference;
import org.opensearch.core.xcontent.ToXContent;
import org.opensearch.core.xcontent.XContentBuilder;
import org.opensearch.ingest.ConfigurationUtils;
import org.opensearch.search.builder.SearchSourceBuilder;

/** What a processor reads of a search: which fields are the passage, and where the query text is if not in `query`. */
public record Reading(List<String> passageFields, String queryTextPath) {
    /** More than any model reads of a query, and with as many blanks less than a sidecar refuses. */
    private static final int MAX_QUERY_CHARS = 4_096;

    static Reading from(String type, String tag, Map<String, Object> config) {
        List<String> fields = ConfigurationUtils.readOptionalList(type, tag, config, "passage_fields");
        String path = ConfigurationUtils.readOptionalStringProperty(type, tag, config, "query_text_path");
        String problem = fields == null ? null : OptionChecks.problemOfFields(fields);
        if (problem != null) {
            throw ConfigurationUtils.newConfigurationException(type, tag, "passage_fields", problem);
        }
        String problemOfPath = path == null ? null : OptionChecks.problemOfPath(path);
        if (problemOfPath != null) {
            throw ConfigurationUtils.newConfigurationException(type, tag, "query_text_path", problemOfPath);
        }
        return new Reading(fields == null ? List.of() : List.copyOf(fields), path);
    }

    Reading with(JrerankExt ext) {
        return new Reading(ext.or("passage_fields", passageFields), queryTextPath);
    }

    /** As far as it is read. `said` is the caller's own; `types` gives the type of a field, or null. Null where there is no text. */
    String queryText(String said, SearchSourceBuilder search, Function<String, String> types) {
        return SentText.wellFormed(SentText.cut(wholeQueryText(said, search, types), MAX_QUERY_CHARS));
    }

    private String wholeQueryText(String said, SearchSourceBuilder search, Function<String, String> types) {
        return QueryText.text(said)
            .or(() -> atPath(search))
            .orElseGet(() -> search.query() == null ? null : QueryText.find(asMap(search.query()), new Fields(passageFields, types)));
    }

    private Optional<String> atPath(SearchSourceBuilder search) {
        return Optional.ofNullable(queryTextPath).flatMap(path -> QueryText.text(BodyPath.of(path).read(asMap(search))));
    }

    private static Map<String, Object> asMap(ToXContent part) {
        try (XContentBuilder json = XContentFactory.jsonBuilder()) {
            BytesReference bytes = BytesReference.bytes(part.toXContent(json, ToXContent.EMPTY_PARAMS));
            return XContentHelper.convertToMap(bytes, true, MediaTypeRegistry.JSON).v2();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }
}
