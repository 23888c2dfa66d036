package io.github.jrerank.opensearch.counting;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HistogramTests {
    @Test
    void bucketsHoldAllThatTookNoLonger() {
        Histogram histogram = new Histogram();
        List.of(0L, 5L, 6L, 300L, 60_000L).forEach(histogram::add);
        Map<String, Object> values = histogram.values();
        assertEquals(5L, values.get("count"));
        assertEquals(60_311L, values.get("sum_ms"));
        List<?> buckets = (List<?>) values.get("buckets");
        assertEquals(Map.of("up_to_ms", 5L, "count", 2L), buckets.get(0));
        assertEquals(Map.of("up_to_ms", 10L, "count", 3L), buckets.get(1));
        assertEquals(Map.of("up_to_ms", 10_000L, "count", 4L), buckets.get(buckets.size() - 1));
    }
}
