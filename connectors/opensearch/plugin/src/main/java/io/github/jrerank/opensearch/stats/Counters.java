package io.github.jrerank.opensearch.stats;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts by name. */
public final class Counters {
    private final Map<String, LongAdder> adders = new ConcurrentHashMap<>();

    public void add(String name) {
        adders.computeIfAbsent(name, key -> new LongAdder()).increment();
    }

    public Map<String, Long> values() {
        Map<String, Long> values = new TreeMap<>();
        adders.forEach((name, adder) -> values.put(name, adder.sum()));
        return values;
    }
}
