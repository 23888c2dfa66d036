package io.github.jrerank.opensearch.ext;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.jrerank.opensearch.Vectors;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.common.io.stream.BytesStreamOutput;
import org.opensearch.search.builder.SearchSourceBuilder;

class JrerankExtTests {
    private static JrerankExt parse(Object values) {
        Map<String, Object> ext = new HashMap<>();
        ext.put("jrerank", values);
        return JrerankExt.of(new SearchRequest().source(Vectors.search(Map.of("ext", ext))));
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
    void saysWhatTheDoorTakesToo() {
        Map<String, Object> fusion = Map.of("method", "linear", "weight", 2);
        JrerankExt ext = parse(Map.of("window", 20, "passage_fields", List.of("body"), "fusion", fusion, "min_score", 0.5));
        assertEquals(20, ext.<Integer>or("window", 100));
        assertEquals(List.of("body"), ext.or("passage_fields", List.of("title")));
        assertEquals(fusion, ext.<Map<String, Object>>or("fusion", null));
        assertEquals("below", ext.or("unread", "below"));
    }

    @Test
    void isAnObjectOrNull() {
        assertTrue(parse(null).isEnabled());
        for (Object wrong : List.of("on", 1, true, List.of(), List.of(Map.of("window", 20)))) {
            assertThrows(IllegalArgumentException.class, () -> parse(wrong), wrong.toString());
        }
    }

    @Test
    void refusesWhatIsOutOfRange() {
        List<Map<String, Object>> wrong = List.of(
            Map.of("window", 0), Map.of("window", 10_001), Map.of("window", 1.5), Map.of("unread", "hide"), Map.of("min_score", "high"),
            Map.of("passage_fields", List.of("*")), Map.of("passage_fields", "body"), Map.of("fusion", Map.of("method", "magic")),
            Map.of("max_tokens_per_doc", 0), Map.of("max_tokens_per_doc", 1_000_000_001),
            Map.of("fusion", Map.of("method", "linear", "weight", 1e7)), Map.of("fusion", Map.of("method", "rrf", "rank_constant", 2_000_000_000)),
            Map.of("passage_fields", Collections.nCopies(51, "body")), Map.of("passage_fields", List.of("a".repeat(501))),
            Map.of("passage_fields", List.of("a.".repeat(20) + "a"))
        );
        for (Map<String, Object> one : wrong) {
            assertThrows(IllegalArgumentException.class, () -> parse(one), one.toString());
        }
    }

    @Test
    void namesWhatIsWorkOfItsOwn() {
        assertEquals("", parse(Map.of("query", "東京", "timeout_ms", 50, "min_score", 0.5, "unread", "cut")).work());
        assertEquals("window 20, passage_fields [body]", parse(Map.of("passage_fields", List.of("body"), "window", 20)).work());
    }

    @Test
    void isTakenOutOnceItIsRead() {
        SearchSourceBuilder search = Vectors.search(Map.of("size", 3, "ext", Map.of("jrerank", Map.of("window", 20))));
        SearchSourceBuilder without = JrerankExt.takenOutOf(search);
        assertEquals(List.of(), without.ext());
        assertEquals(3, without.size());
        assertEquals(1, search.ext().size());
        assertSame(without, JrerankExt.takenOutOf(without));
    }

    @Test
    void travelsBetweenNodes() throws Exception {
        JrerankExt ext = parse(Map.of("query", "東京", "timeout_ms", 50));
        BytesStreamOutput out = new BytesStreamOutput();
        ext.writeTo(out);
        assertEquals(ext, new JrerankExt(out.bytes().streamInput()));
    }
}
