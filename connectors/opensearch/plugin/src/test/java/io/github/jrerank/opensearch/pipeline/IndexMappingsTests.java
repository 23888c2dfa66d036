package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;

class IndexMappingsTests {
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
}
