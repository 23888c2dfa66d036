package io.github.jrerank.opensearch.counting;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts by name. A name may come from a server that is no sidecar of ours, so that there is an end to them. */
public final class Counters {
    private static final int MAX_NAMES = 100;
    private static final String OTHER = "other";

    private final Map<String, LongAdder> adders = new ConcurrentHashMap<>();

    public void add(String name) {
        boolean isKnown = adders.containsKey(name) || adders.size() < MAX_NAMES;
        adders.computeIfAbsent(isKnown ? name : OTHER, key -> new LongAdder()).increment();
    }

    public Map<String, Long> values() {
        Map<String, Long> values = new TreeMap<>();
        adders.forEach((name, adder) -> values.put(name, adder.sum()));
        return values;
    }
}
