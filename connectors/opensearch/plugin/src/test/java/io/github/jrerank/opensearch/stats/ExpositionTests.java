package io.github.jrerank.opensearch.stats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.jrerank.opensearch.answer.Marker;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ExpositionTests {
    @Test
    void samplesOfAMetricStandTogether() {
        SearchStats searches = new SearchStats();
        searches.add(new Marker("complete", null, 7, 10, "bundled"));
        Exposition exposition = new Exposition();
        exposition.failedNodes(1);
        exposition.add("a", "A1", Map.of("searches", searches.values()));
        exposition.add("a", "B2", Map.of("searches", searches.values()));
        String text = exposition.text();
        assertTrue(text.startsWith("# TYPE jrerank_plugin_failed_nodes gauge\njrerank_plugin_failed_nodes 1\n"));
        assertTrue(
            text.contains(
                """
                # TYPE jrerank_plugin_searches_total counter
                jrerank_plugin_searches_total{node="a",node_id="A1",outcome="complete"} 1
                jrerank_plugin_searches_total{node="a",node_id="B2",outcome="complete"} 1
                """
            ),
            text
        );
        assertTrue(text.contains("jrerank_plugin_search_seconds_bucket{node=\"a\",node_id=\"A1\",outcome=\"complete\",le=\"0.005\"} 0\n"), text);
        assertTrue(text.contains("jrerank_plugin_search_seconds_bucket{node=\"a\",node_id=\"A1\",outcome=\"complete\",le=\"+Inf\"} 1\n"), text);
        assertTrue(text.contains("jrerank_plugin_search_seconds_sum{node=\"a\",node_id=\"A1\",outcome=\"complete\"} 0.007\n"), text);
    }

    @Test
    void labelsMayHoldAnything() {
        Exposition exposition = new Exposition();
        exposition.add("a\"\\\n", "A1", Map.of("searches", Map.of("reasons", Map.of("deadline", 2))));
        assertTrue(exposition.text().contains("jrerank_plugin_reasons_total{node=\"a\\\"\\\\\\n\",node_id=\"A1\",reason=\"deadline\"} 2\n"));
    }

    @Test
    void whatANodeDoesNotSayIsNotThere() {
        Exposition exposition = new Exposition();
        exposition.add("a", "A1", Map.of("endpoints", Map.of("main", List.of(Map.of("url", "http://a", "circuit", "open")))));
        assertTrue(exposition.text().contains("jrerank_plugin_circuit_open{node=\"a\",node_id=\"A1\",endpoint=\"main\",url=\"http://a\"} 1\n"));
        assertEquals(false, exposition.text().contains("searches"));
    }
}
