package io.github.jrerank.opensearch.counting;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;

class CountersTests {
    private final Counters counters = new Counters();

    @Test
    void countByName() {
        counters.add("a");
        counters.add("b");
        counters.add("a");
        assertEquals(Map.of("a", 2L, "b", 1L), counters.values());
    }

    @Test
    void haveAnEndWhateverAServerSays() {
        for (int i = 0; i < 1_000; i++) {
            counters.add("reason-" + i);
        }
        assertEquals(101, counters.values().size());
        assertEquals(900L, counters.values().get("other"));
        counters.add("reason-1");
        assertEquals(2L, counters.values().get("reason-1"));
    }
}
