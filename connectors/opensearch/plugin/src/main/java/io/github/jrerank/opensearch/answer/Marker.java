package io.github.jrerank.opensearch.answer;

import java.util.LinkedHashMap;
import java.util.Map;

/** What became of a search, for its caller to read. */
public record Marker(String outcome, String reason, long tookMs, int reranked, String model) {
    public static final String COMPLETE = "complete";
    public static final String PARTIAL = "partial";
    public static final String PASSTHROUGH = "passthrough";
    /** Of a partial one: no more hits of the window were fetched than time and heap allow, or than the page has; else it is beyond these. */
    public static final String WINDOW_NARROWED = "window_narrowed";

    public static Marker passthrough(String reason, long tookMs) {
        return new Marker(PASSTHROUGH, reason, tookMs, 0, null);
    }

    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("outcome", outcome);
        map.put("reason", reason);
        map.put("took_ms", tookMs);
        map.put("reranked", reranked);
        map.put("model", model);
        return map;
    }
}
