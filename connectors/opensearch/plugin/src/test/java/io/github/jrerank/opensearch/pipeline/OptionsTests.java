package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.jrerank.opensearch.answer.Unread;
import io.github.jrerank.opensearch.ext.JrerankExt;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.opensearch.OpenSearchParseException;

class OptionsTests {
    private static Options options(Map<String, Object> config) {
        Map<String, Object> mutable = new HashMap<>(config);
        Options options = Options.from("jrerank", null, mutable);
        assertTrue(mutable.isEmpty(), "left over: " + mutable);
        return options;
    }

    @Test
    void wantsAnEndpointAndHasDefaultsForTheRest() {
        assertThrows(OpenSearchParseException.class, () -> options(Map.of()));
        Options options = options(Map.of("endpoint", "main"));
        assertEquals(500, options.timeoutMs());
        assertEquals(100, options.window());
        assertFalse(options.failsSearch());
        assertEquals(new Reading(List.of(), null), options.reading());
    }

    @Test
    void readsEveryKey() {
        Map<String, Object> config = new HashMap<>(
            Map.of("endpoint", "main", "store", "docs", "timeout_ms", 50, "window", 20, "on_failure", "error")
        );
        config.putAll(Map.of("hit_details", true, "max_tokens_per_doc", 512, "query_text_path", "query.match.body.query"));
        config.putAll(Map.of("fusion", Map.of("method", "rrf"), "passage_fields", List.of("title", "body")));
        Options options = options(config);
        assertTrue(options.failsSearch());
        assertEquals(512, options.maxTokensPerDoc());
        assertEquals(new Reading(List.of("title", "body"), "query.match.body.query"), options.reading());
    }

    @ParameterizedTest
    @CsvSource({ "timeout_ms,0", "timeout_ms,600001", "window,0", "window,10001", "on_failure,ignore", "max_tokens_per_doc,0", "unread,hide", "min_score,high" })
    void refuses(String key, String value) {
        assertThrows(OpenSearchParseException.class, () -> options(Map.of("endpoint", "main", key, value)));
    }

    @Test
    void aSearchMaySayItsOwn() {
        Options pipeline = options(Map.of("endpoint", "main", "timeout_ms", 200, "min_score", 0.1));
        assertEquals(Unread.BELOW, pipeline.with(JrerankExt.NONE).unread());
        assertEquals(0.1f, pipeline.with(JrerankExt.NONE).minScore());
        Map<String, Object> fusion = Map.of("method", "rrf");
        Options asked = pipeline.with(new JrerankExt(Map.of("timeout_ms", 500, "min_score", 0.5, "unread", "cut", "fusion", fusion)));
        assertEquals(200, asked.timeoutMs());
        assertEquals(0.5f, asked.minScore());
        assertEquals(Unread.CUT, asked.unread());
        assertEquals(fusion, asked.fusion());
    }

    @Test
    void refusesPassageFieldsThatAreNone() {
        for (Object field : List.of(1, "*", "meta.*", " ", List.of("title"))) {
            Map<String, Object> config = Map.of("endpoint", "main", "passage_fields", List.of(field));
            assertThrows(OpenSearchParseException.class, () -> options(config), String.valueOf(field));
        }
    }

    @Test
    void takesTheFusionsOfTheSidecar() {
        List<Map<String, Object>> fusions = List.of(
            Map.of("method", "linear"),
            Map.of("method", "linear", "weight", 0),
            Map.of("method", "linear", "weight", 0.5),
            Map.of("method", "rrf"),
            Map.of("method", "rrf", "rank_constant", 60)
        );
        for (Map<String, Object> fusion : fusions) {
            assertEquals(fusion, options(Map.of("endpoint", "main", "fusion", fusion)).fusion());
        }
    }

    @Test
    void refusesAFusionThatTheSidecarWouldRefuse() {
        List<Map<String, Object>> fusions = List.of(
            Map.of("method", "magic"),
            Map.of("weight", 0.5),
            Map.of("method", "linear", "weight", -1),
            Map.of("method", "linear", "weight", "heavy"),
            Map.of("method", "linear", "rank_constant", 60),
            Map.of("method", "rrf", "rank_constant", 0),
            Map.of("method", "rrf", "rank_constant", 1.5)
        );
        for (Map<String, Object> fusion : fusions) {
            Map<String, Object> config = Map.of("endpoint", "main", "fusion", fusion);
            assertThrows(OpenSearchParseException.class, () -> options(config), fusion.toString());
        }
    }
}
