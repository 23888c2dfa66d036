package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.opensearch.search.fetch.subphase.FetchSourceContext;

class HitPriceTests {
    private static final FetchSourceContext PARTS = new FetchSourceContext(true, new String[] { "body" }, null);

    private final FetchCosts costs = new FetchCosts(() -> 0);

    private HitPrice price(FetchSourceContext filter) {
        return costs.price(List.of("small", "large"), filter, 100);
    }

    @Test
    void theLargestHitsOfAnyIndexSetIt() {
        assertEquals(HitPrice.FREE, price(PARTS), "of no index anything is known");
        costs.learn(List.of("small"), Map.of("small", new HitCost(1, 1_000, 10)), PARTS);
        assertEquals(HitPrice.FREE, price(PARTS));
        costs.learn(List.of("large"), Map.of("large", new HitCost(10, 10_000_000, 5_000)), PARTS);
        assertEquals(new HitPrice(500, FetchCosts.FETCHES_PER_READ_OF_PARTS), price(PARTS));
        assertEquals(HitPrice.FREE, price(FetchSourceContext.DO_NOT_FETCH_SOURCE));
    }

    @Test
    void allHitsAreReadAndOnlyThoseBesideTheCallersOwnAreFetchedForIt() {
        var price = new HitPrice(500, 2);
        assertEquals(500 * 48 + 2 * 500 * 38, price.nanos(48, 38));
        assertEquals(0, HitPrice.FREE.nanos(48, 38));
    }
}
