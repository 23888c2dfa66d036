package io.github.jrerank.opensearch.stats;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Counters of nodes in Prometheus' text form, version 0.0.4, where all samples of a metric stand together. */
final class Exposition {
    private static final String PREFIX = "jrerank_plugin_";

    private final Map<String, StringBuilder> metrics = new LinkedHashMap<>();

    void failedNodes(int count) {
        sample("failed_nodes", "gauge", "", Map.of(), count);
    }

    /** `stats` as `NodeStats` gives them, whole or from a node of another version. Names of nodes need not be unique, their ids are. */
    void add(String name, String id, Map<String, Object> stats) {
        Map<String, String> node = with(with(Map.of(), "node", name), "node_id", id);
        Map<?, ?> searches = map(stats.get("searches"));
        counts("searches_total", "outcome", node, searches.get("outcomes"));
        counts("reasons_total", "reason", node, searches.get("reasons"));
        map(searches.get("took_ms")).forEach(
            (outcome, took) -> histogram("search_seconds", with(node, "outcome", String.valueOf(outcome)), map(took))
        );
        map(stats.get("endpoints")).forEach((endpoint, sidecars) -> {
            for (Object sidecar : list(sidecars)) {
                add(with(node, "endpoint", String.valueOf(endpoint)), map(sidecar));
            }
        });
    }

    private void add(Map<String, String> endpoint, Map<?, ?> sidecar) {
        Map<String, String> labels = with(endpoint, "url", String.valueOf(sidecar.get("url")));
        sample("circuit_open", "gauge", "", labels, "open".equals(sidecar.get("circuit")) ? 1 : 0);
        sample("circuits_open_for_some", "gauge", "", labels, list(sidecar.get("open_for")).size());
        counts("sidecar_events_total", "event", labels, sidecar.get("counts"));
        histogram("sidecar_seconds", labels, map(sidecar.get("answered_ms")));
    }

    private void counts(String name, String label, Map<String, String> labels, Object counts) {
        map(counts).forEach((value, count) -> {
            sample(name, "counter", "", with(labels, label, String.valueOf(value)), number(count));
        });
    }

    private void histogram(String name, Map<String, String> labels, Map<?, ?> histogram) {
        if (histogram.isEmpty()) {
            return;
        }
        for (Object bucket : list(histogram.get("buckets"))) {
            Map<?, ?> values = map(bucket);
            bucket(name, labels, String.valueOf(number(values.get("up_to_ms")).doubleValue() / 1_000), values.get("count"));
        }
        bucket(name, labels, "+Inf", histogram.get("count"));
        sample(name, "histogram", "_sum", labels, number(histogram.get("sum_ms")).doubleValue() / 1_000);
        sample(name, "histogram", "_count", labels, number(histogram.get("count")));
    }

    private void bucket(String name, Map<String, String> labels, String bound, Object count) {
        sample(name, "histogram", "_bucket", with(labels, "le", bound), number(count));
    }

    private void sample(String name, String type, String suffix, Map<String, String> labels, Number value) {
        String metric = PREFIX + name;
        StringBuilder text = metrics.computeIfAbsent(metric, key -> new StringBuilder("# TYPE " + metric + " " + type + "\n"));
        text.append(metric).append(suffix);
        if (labels.isEmpty() == false) {
            text.append(labels.entrySet().stream().map(Exposition::label).collect(Collectors.joining(",", "{", "}")));
        }
        text.append(' ').append(value).append('\n');
    }

    private static String label(Map.Entry<String, String> label) {
        String value = label.getValue().replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
        return label.getKey() + "=\"" + value + "\"";
    }

    private static Map<String, String> with(Map<String, String> labels, String label, String value) {
        Map<String, String> more = new LinkedHashMap<>(labels);
        more.put(label, value);
        return more;
    }

    private static Map<?, ?> map(Object value) {
        return value instanceof Map<?, ?> map ? map : Map.of();
    }

    private static List<?> list(Object value) {
        return value instanceof List<?> list ? list : List.of();
    }

    private static Number number(Object value) {
        return value instanceof Number number ? number : 0;
    }

    String text() {
        return String.join("", metrics.values());
    }
}
