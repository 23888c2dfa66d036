package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.opensearch.search.fetch.subphase.FetchSourceContext;

class FetchTests {
    private static final HitCost HITS = new HitCost(40, 40L << 20, 100_000);
    private static final long START_NANOS = 1_000_000;

    private static final FetchSourceContext PARTS = new FetchSourceContext(true, new String[] { "body" }, null);

    private static Fetch fetch(boolean isCallersFilter) {
        return new Fetch(40, 10, false, List.of("docs"), PARTS, PARTS, isCallersFilter, START_NANOS);
    }

    private static long extraNanos(boolean isCallersFilter, HitCost cost, long tookNanos) {
        return fetch(isCallersFilter).extraNanos(cost, START_NANOS + tookNanos);
    }

    @Test
    void fetchingPartsTakesTwiceAsLongAsReadingThem() {
        assertEquals(200_000, extraNanos(false, HITS, 1_000_000));
    }

    @Test
    void fetchingWholeDocumentsTakesAsLongAsReadingThem() {
        var whole = new Fetch(40, 10, false, List.of("docs"), FetchSourceContext.FETCH_SOURCE, PARTS, false, START_NANOS);
        assertEquals(100_000, whole.extraNanos(HITS, START_NANOS + 1_000_000));
    }

    @Test
    void wholeDocumentsInPlaceOfPartsSayNothingNewOfThese() {
        long[] now = { 0 };
        var costs = new FetchCosts(() -> now[0]);
        var whole = new Fetch(40, 10, false, List.of("docs"), FetchSourceContext.FETCH_SOURCE, PARTS, false, START_NANOS);
        fetch(false).teach(costs, Map.of("docs", new HitCost(1, 100_000, 0)));
        now[0] = FetchCosts.KEPT_NANOS;
        whole.teach(costs, Map.of("docs", new HitCost(1, 150_000, 0)));
        now[0] += FetchCosts.KEPT_NANOS;
        assertEquals(FetchSourceContext.FETCH_SOURCE, costs.cheapest(List.of("docs"), PARTS, 100));
        whole.teach(costs, Map.of("docs", new HitCost(1, 151_000, 0)));
        assertEquals(PARTS, costs.cheapest(List.of("docs"), PARTS, 100));
    }

    @Test
    void theCallersOwnHitsAreNoExtra() {
        assertEquals(150_000, extraNanos(true, HITS, 1_000_000));
    }

    @Test
    void aPageBeyondANarrowedWindowIsNotItsCallersFault() {
        String beyond = Passthrough.BEYOND_WINDOW;
        assertEquals("window_narrowed", fetch(true).reasonOf(beyond, 40, 100));
        assertEquals(beyond, fetch(true).reasonOf(beyond, 100, 100));
        assertEquals("sort", fetch(true).reasonOf("sort", 40, 100));
        assertNull(fetch(true).reasonOf(null, 0, 100));
    }

    @Test
    void itIsNoMoreThanTheWholeSearch() {
        assertEquals(50_000, extraNanos(false, HITS, 50_000));
    }

    @Test
    void smallDocumentsCostNothing() {
        assertEquals(0, extraNanos(false, new HitCost(40, 1 << 20, 100_000), 1_000_000));
    }
}
