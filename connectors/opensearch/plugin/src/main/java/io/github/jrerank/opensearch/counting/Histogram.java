package io.github.jrerank.opensearch.counting;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/** How long things took, in milliseconds. */
public final class Histogram {
    private static final long[] BOUNDS_MS = { 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000 };

    private final List<LongAdder> counts = Stream.generate(LongAdder::new).limit(BOUNDS_MS.length + 1).toList();
    private final LongAdder sumMs = new LongAdder();

    public void add(long ms) {
        int place = 0;
        while (place < BOUNDS_MS.length && ms > BOUNDS_MS[place]) {
            place++;
        }
        counts.get(place).increment();
        sumMs.add(ms);
    }

    /** Its buckets hold all that took no longer than their bounds, as Prometheus has it; `count` is of everything. */
    public Map<String, Object> values() {
        List<Object> buckets = new ArrayList<>();
        long count = 0;
        for (int place = 0; place < BOUNDS_MS.length; place++) {
            count += counts.get(place).sum();
            buckets.add(Map.of("up_to_ms", BOUNDS_MS[place], "count", count));
        }
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("count", count + counts.get(BOUNDS_MS.length).sum());
        values.put("sum_ms", sumMs.sum());
        values.put("buckets", buckets);
        return values;
    }
}
