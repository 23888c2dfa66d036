package io.github.jrerank.opensearch.stats;

import io.github.jrerank.opensearch.answer.Marker;
import io.github.jrerank.opensearch.counting.Counters;
import io.github.jrerank.opensearch.counting.Histogram;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** Searches by what became of them, why, and how much longer they took for it. */
public final class SearchStats {
    private final Counters outcomes = new Counters();
    private final Counters reasons = new Counters();
    private final Map<String, Histogram> tookMs = new ConcurrentHashMap<>();

    public void add(Marker marker) {
        outcomes.add(marker.outcome());
        tookMs.computeIfAbsent(marker.outcome(), outcome -> new Histogram()).add(marker.tookMs());
        if (marker.reason() != null) {
            reasons.add(marker.reason());
        }
    }

    Map<String, Object> values() {
        Map<String, Object> took = new TreeMap<>();
        tookMs.forEach((outcome, histogram) -> took.put(outcome, histogram.values()));
        return Map.of("outcomes", outcomes.values(), "reasons", reasons.values(), "took_ms", took);
    }
}
