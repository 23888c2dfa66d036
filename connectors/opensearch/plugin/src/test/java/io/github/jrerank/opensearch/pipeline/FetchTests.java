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
    private static final long WAIT_NANOS = 600_000;

    private static final FetchSourceContext PARTS = new FetchSourceContext(true, new String[] { "body" }, null);

    private static Fetch fetch(boolean isCallersFilter) {
        return new Fetch(10, "window_narrowed", List.of("docs"), PARTS, PARTS, isCallersFilter, START_NANOS, draw(false));
    }

    private static Fetch whole() {
        return new Fetch(10, null, List.of("docs"), FetchSourceContext.FETCH_SOURCE, PARTS, false, START_NANOS, draw(false));
    }

    private static FetchBudget.Draw draw(boolean isScarce) {
        return new FetchBudget.Draw(40, 1_000_000, isScarce);
    }

    private static long extraNanos(boolean isCallersFilter, HitCost cost, long tookNanos) {
        return fetch(isCallersFilter).extraNanos(cost, START_NANOS + tookNanos, WAIT_NANOS);
    }

    @Test
    void fetchingPartsTakesTwiceAsLongAsReadingThem() {
        assertEquals(200_000, extraNanos(false, HITS, 1_000_000));
    }

    @Test
    void fetchingWholeDocumentsTakesAsLongAsReadingThem() {
        assertEquals(100_000, whole().extraNanos(HITS, START_NANOS + 1_000_000, WAIT_NANOS));
    }

    @Test
    void wholeDocumentsInPlaceOfPartsSayNothingNewOfThese() {
        long[] now = { 0 };
        var costs = new FetchCosts(() -> now[0]);
        teach(fetch(false), costs, 100_000);
        now[0] = FetchCosts.KEPT_NANOS;
        teach(whole(), costs, 150_000);
        now[0] += FetchCosts.KEPT_NANOS;
        assertEquals(FetchSourceContext.FETCH_SOURCE, costs.cheapest(List.of("docs"), PARTS, 100));
        teach(whole(), costs, 151_000);
        assertEquals(PARTS, costs.cheapest(List.of("docs"), PARTS, 100));
    }

    private static void teach(Fetch fetch, FetchCosts costs, int bytes) {
        fetch.teach(costs, Map.of("docs", new HitCost(1, bytes, 0)));
    }

    @Test
    void whatTookLessTimeThanWasDrawnForItIsGivenBack() {
        var budget = new FetchBudget(1, () -> 0);
        FetchBudget.Draw all = budget.draw(1, 1, hits -> FetchBudget.BURST_NANOS_PER_PROCESSOR);
        var fetch = new Fetch(10, null, List.of("docs"), PARTS, PARTS, false, START_NANOS, all);
        fetch.refund(budget, START_NANOS + 1_000);
        FetchBudget.Draw rest = budget.draw(1, 2, hits -> hits == 2 ? FetchBudget.BURST_NANOS_PER_PROCESSOR - 1_000 : 1);
        assertEquals(2, rest.hits());
        assertEquals(0, budget.draw(1, 1, hits -> 1).hits());
    }

    @Test
    void whatASearchHasWaitedForOthersIsExtraUpToABound() {
        assertEquals(500_000, extraOfWaiting(HITS, 500_000));
        assertEquals(WAIT_NANOS, extraOfWaiting(HITS, 1_000_000));
        assertEquals(1_500_000, extraOfWaiting(new HitCost(40, 40L << 20, 1_000_000), 2_000_000), "what its own hits took");
        assertEquals(0, extraOfWaiting(new HitCost(40, 1 << 20, 100_000), 1_000_000), "but for small documents");
    }

    @Test
    void aSearchThatWasGivenNoMoreThanItsCallerAskedForHasWaitedForItself() {
        assertEquals(0, extraOfWaiting(new HitCost(10, 10L << 20, 1_000_000), 1_000_000));
        assertEquals(0, extraOfWaiting(new HitCost(0, 0, 0), 1_000_000));
    }

    private static long extraOfWaiting(HitCost cost, long tookNanos) {
        var waited = new Fetch(10, null, List.of("docs"), PARTS, PARTS, true, START_NANOS, draw(true));
        return waited.extraNanos(cost, START_NANOS + tookNanos, WAIT_NANOS);
    }

    @Test
    void theCallersOwnHitsAreNoExtra() {
        assertEquals(150_000, extraNanos(true, HITS, 1_000_000));
    }

    @Test
    void aPageBeyondANarrowedWindowIsNotItsCallersFault() {
        assertEquals("window_narrowed", fetch(true).reasonOfPage(40));
        assertNull(fetch(true).reasonOfPage(39));
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
