package io.github.jrerank.opensearch.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TwoChoicesTests {
    private static List<String> order(Map<String, Double> loads, int drawn, String... turns) {
        List<String> order = new ArrayList<>(List.of(turns));
        TwoChoices.apply(order, loads::get, bound -> Math.min(drawn, bound - 1));
        return order;
    }

    @Test
    void theOneWithLessWorkGoesFirstAndTheOthersKeepTheirTurns() {
        Map<String, Double> loads = Map.of("a", 0.3, "b", 0.2, "c", 0.1);
        assertEquals(List.of("b", "a", "c"), order(loads, 0, "a", "b", "c"));
        assertEquals(List.of("c", "a", "b"), order(loads, 1, "a", "b", "c"));
        assertEquals(List.of("c", "a", "b"), order(loads, 0, "c", "a", "b"));
    }

    @Test
    void whoHasAsMuchToDoTakesTurns() {
        assertEquals(List.of("a", "b"), order(Map.of("a", 0.0, "b", 0.0), 0, "a", "b"));
        assertEquals(List.of("b", "a"), order(Map.of("a", 0.0, "b", 0.0), 0, "b", "a"));
    }

    @Test
    void oneOrNoneIsNoChoice() {
        assertEquals(List.of("a"), order(Map.of(), 0, "a"));
        assertEquals(List.of(), order(Map.of(), 0));
    }

    /** Requests that stay: two choices keep the fullest close to the mean, and a sidecar at half speed gets half as many. */
    @Test
    void workIsSpreadByWhatEachCanDo() {
        Random random = new Random(1);
        double[] load = new double[10];
        List<Integer> turns = new ArrayList<>();
        for (int i = 0; i < load.length; i++) {
            turns.add(i);
        }
        for (int i = 0; i < 10_000; i++) {
            Collections.rotate(turns, -1);
            List<Integer> order = new ArrayList<>(turns);
            TwoChoices.apply(order, place -> load[place], random::nextInt);
            int chosen = order.get(0);
            load[chosen] += chosen == 9 ? 2 : 1;
        }
        double mean = java.util.Arrays.stream(load).sum() / load.length;
        for (double one : load) {
            assertTrue(Math.abs(one - mean) < 0.02 * mean, java.util.Arrays.toString(load));
        }
    }
}
