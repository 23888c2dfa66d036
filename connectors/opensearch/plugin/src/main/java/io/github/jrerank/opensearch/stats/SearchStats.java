package io.github.jrerank.opensearch.stats;

import io.github.jrerank.opensearch.answer.Marker;
import io.github.jrerank.opensearch.counting.Counters;
import java.util.Map;

/** Searches by what became of them, and why. */
public final class SearchStats {
    private final Counters outcomes = new Counters();
    private final Counters reasons = new Counters();

    public void add(Marker marker) {
        outcomes.add(marker.outcome());
        if (marker.reason() != null) {
            reasons.add(marker.reason());
        }
    }

    Map<String, Long> outcomes() {
        return outcomes.values();
    }

    Map<String, Long> reasons() {
        return reasons.values();
    }
}
