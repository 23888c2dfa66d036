package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.opensearch.Version;
import org.opensearch.cluster.metadata.IndexMetadata;
import org.opensearch.common.settings.Settings;

class IndexMappingsTests {
    private static final Settings SETTINGS = Settings.builder()
        .put(IndexMetadata.SETTING_VERSION_CREATED, Version.CURRENT)
        .put(IndexMetadata.SETTING_NUMBER_OF_SHARDS, 1)
        .put(IndexMetadata.SETTING_NUMBER_OF_REPLICAS, 0)
        .build();

    private final IndexMappings mappings = new IndexMappings();

    @Test
    void typesByPath() {
        Map<String, Object> title = Map.of("type", "text", "fields", Map.of("raw", Map.of("type", "keyword")));
        Map<String, Object> meta = Map.of("properties", Map.of("author", Map.of("type", "keyword")));
        Map<String, Object> headline = Map.of("type", "alias", "path", "title");
        var facts = IndexMappings.factsOf(Map.of("properties", Map.of("title", title, "meta", meta, "headline", headline)));
        assertEquals(Map.of("title", "text", "title.raw", "keyword", "meta.author", "keyword", "headline", "text"), facts.types());
        assertTrue(facts.keepsSource());
    }

    @Test
    void anIndexMayKeepNoSource() {
        assertFalse(IndexMappings.factsOf(Map.of("_source", Map.of("enabled", false))).keepsSource());
        assertFalse(IndexMappings.factsOf(Map.of("_source", Map.of("enabled", "false"))).keepsSource());
        assertTrue(IndexMappings.factsOf(Map.of()).keepsSource());
    }

    @Test
    void indexesOfTheSameMappingShareIt() {
        List<IndexMappings.Facts> facts = mappings.of(List.of(index("monday", "title"), index("tuesday", "title"), index("books", "body")));
        assertEquals(List.of(Map.of("title", "text"), Map.of("body", "text")), facts.stream().map(IndexMappings.Facts::types).toList());
        assertSame(facts.get(0), mappings.of(List.of(index("wednesday", "title"))).get(0));
    }

    @Test
    void anIndexWithoutAMappingSaysNothing() {
        assertEquals(List.of(), mappings.of(List.of(IndexMetadata.builder("new").settings(SETTINGS).build())));
    }

    @Test
    void aSearchReadsSoManyAndTheNextOneOthers() {
        List<IndexMetadata> many = different(0, IndexMappings.MAX_READ_PER_SEARCH + 1);
        List<IndexMappings.Facts> first = mappings.of(many);
        assertEquals(List.of(IndexMappings.UNKNOWN), first.subList(IndexMappings.MAX_READ_PER_SEARCH, first.size()));
        assertFalse(IndexMappings.UNKNOWN.keepsSource(), "a filter on _source could be an error");
        assertFalse(mappings.of(many).contains(IndexMappings.UNKNOWN));
    }

    @Test
    void oneTooManyTakesThePlaceOfOneOther() {
        List<IndexMetadata> all = different(0, IndexMappings.MAX_KNOWN);
        List<IndexMappings.Facts> before = new ArrayList<>();
        for (int start = 0; start < all.size(); start += IndexMappings.MAX_READ_PER_SEARCH) {
            before.addAll(mappings.of(all.subList(start, start + IndexMappings.MAX_READ_PER_SEARCH)));
        }
        IndexMappings.Facts oldest = mappings.of(all.subList(0, 1)).get(0);
        assertSame(before.get(0), oldest);
        mappings.of(different(all.size(), all.size() + 1));
        List<IndexMappings.Facts> after = mappings.of(all);
        assertSame(oldest, after.get(0), "it was just asked for");
        assertNotSame(before.get(1), after.get(1));
        assertSame(before.get(all.size() - 1), after.get(all.size() - 1));
    }

    private static List<IndexMetadata> different(int first, int end) {
        return IntStream.range(first, end).mapToObj(number -> index("index-" + number, "field_" + number)).toList();
    }

    private static IndexMetadata index(String name, String field) {
        String mapping = "{\"_doc\": {\"properties\": {\"" + field + "\": {\"type\": \"text\"}}}}";
        try {
            return IndexMetadata.builder(name).settings(SETTINGS).putMapping(mapping).build();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }
}
