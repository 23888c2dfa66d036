package io.github.jrerank.opensearch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.common.io.stream.BytesStreamOutput;

class JrerankExtTests {
    private static JrerankExt parse(Map<String, Object> values) {
        return JrerankExt.of(new SearchRequest().source(Vectors.search(Map.of("ext", Map.of("jrerank", values)))));
    }

    @Test
    void saysWhatTheCallerWants() {
        JrerankExt ext = parse(Map.of("query", "東京", "enabled", false, "timeout_ms", 50, "hit_details", true));
        assertEquals("東京", ext.query());
        assertFalse(ext.isEnabled());
        assertTrue(ext.wantsHitDetails());
        assertEquals(50, ext.timeoutMs(500));
    }

    @Test
    void absentMeansThePipelinesOwn() {
        JrerankExt ext = JrerankExt.of(new SearchRequest().source(Vectors.search(Map.of())));
        assertTrue(ext.isEnabled());
        assertFalse(ext.wantsHitDetails());
        assertEquals(500, ext.timeoutMs(500));
    }

    @Test
    void nullMeansThePipelinesOwn() {
        Map<String, Object> values = new HashMap<>();
        for (String key : List.of("query", "enabled", "timeout_ms", "hit_details")) {
            values.put(key, null);
        }
        JrerankExt ext = parse(values);
        assertTrue(ext.isEnabled());
        assertEquals(500, ext.timeoutMs(500));
    }

    @ParameterizedTest
    @ValueSource(strings = { "querry", "query", "enabled", "timeout_ms", "hit_details" })
    void refusesWhatItWouldNotUnderstand(String key) {
        assertThrows(IllegalArgumentException.class, () -> parse(Map.of(key, 0.5)));
    }

    @Test
    void refusesNoTimeAtAll() {
        assertThrows(IllegalArgumentException.class, () -> parse(Map.of("timeout_ms", 0)));
    }

    @Test
    void travelsBetweenNodes() throws Exception {
        JrerankExt ext = parse(Map.of("query", "東京", "timeout_ms", 50));
        BytesStreamOutput out = new BytesStreamOutput();
        ext.writeTo(out);
        assertEquals(ext, new JrerankExt(out.bytes().streamInput()));
    }
}
