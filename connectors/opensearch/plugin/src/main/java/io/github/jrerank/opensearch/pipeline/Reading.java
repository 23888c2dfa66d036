package io.github.jrerank.opensearch.pipeline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
    static Reading from(String type, String tag, Map<String, Object> config) {
        List<String> fields = ConfigurationUtils.readOptionalList(type, tag, config, "passage_fields");
        String path = ConfigurationUtils.readOptionalStringProperty(type, tag, config, "query_text_path");
        return new Reading(fields == null ? List.of() : List.copyOf(fields), path);
    }

    /** `said` is the caller's own; null where there is no text at all. */
    String queryText(String said, SearchSourceBuilder search) {
        return QueryText.text(said)
            .or(() -> atPath(search))
            .orElseGet(() -> search.query() == null ? null : QueryText.find(asMap(search.query())));
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
