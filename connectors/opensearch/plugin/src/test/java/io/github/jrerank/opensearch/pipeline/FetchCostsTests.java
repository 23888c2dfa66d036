package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.opensearch.search.fetch.subphase.FetchSourceContext;

class FetchCostsTests {
    private static final FetchSourceContext BODY = new FetchSourceContext(true, new String[] { "body" }, null);
    private static final FetchSourceContext ALL = FetchSourceContext.FETCH_SOURCE;
    private static final long MS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final int PAGE = 10, WINDOW = 100, TIMEOUT_MS = 300;

    private long now;
    private final FetchCosts costs = new FetchCosts(() -> now);

    private int affordable(FetchSourceContext filter, String... indexes) {
        return costs.affordable(List.of(indexes), filter, PAGE, WINDOW, TIMEOUT_MS);
    }

    private void learn(String index, FetchSourceContext filter, int bytesEach, double readMsEach) {
        costs.learn(Map.of(index, new HitCost(10, 10L * bytesEach, Math.round(10 * readMsEach * MS))), filter);
    }

    @Test
    void anIndexThatNobodyHasSearchedMayHoldAnything() {
        assertEquals(FetchCosts.FIRST_HITS, affordable(BODY, "docs"));
        assertEquals(40, costs.affordable(List.of("docs"), BODY, 40, WINDOW, TIMEOUT_MS), "the caller's own page");
        assertEquals(20, costs.affordable(List.of("docs"), BODY, PAGE, 20, TIMEOUT_MS), "no more than is wanted");
    }

    @Test
    void whereNoSourceIsFetchedOrNoIndexThereIsNothingToSpare() {
        assertEquals(WINDOW, affordable(FetchSourceContext.DO_NOT_FETCH_SOURCE, "docs"));
        assertEquals(WINDOW, affordable(BODY));
    }

    @Test
    void smallDocumentsAreFetchedHoweverSlowlyTheyWereRead() {
        learn("docs", BODY, 10_000, 50);
        assertEquals(WINDOW, affordable(BODY, "docs"));
    }

    @Test
    void fetchingAndReadingTakeAQuarterOfTheTimeAtMost() {
        learn("docs", BODY, 100_000, 0.5);
        assertEquals(TIMEOUT_MS / 4 / (3 * 0.5), affordable(BODY, "docs"));
        assertEquals(PAGE, costs.affordable(List.of("docs"), BODY, PAGE, WINDOW, 20), "never less than the caller's page");
    }

    @Test
    void theyFillNoHeap() {
        learn("docs", BODY, 1 << 20, 0.001);
        assertEquals(32, affordable(BODY, "docs"));
    }

    @Test
    void theCostliestOfTheSearchedIndexesCounts() {
        learn("small", BODY, 1_000, 0.01);
        learn("large", BODY, 1 << 20, 0.001);
        assertEquals(32, affordable(BODY, "small", "large", "unknown"));
        assertEquals(WINDOW, affordable(BODY, "small"));
    }

    @Test
    void whatOneFilterLeavesInSaysNothingOfAnother() {
        learn("docs", ALL, 1 << 20, 0.001);
        assertEquals(32, affordable(BODY, "docs"), "unless nothing else is known");
        learn("docs", BODY, 1_000, 0.01);
        assertEquals(WINDOW, affordable(BODY, "docs"));
        assertEquals(32, affordable(ALL, "docs"));
    }

    @Test
    void largerDocumentsCountAtOnceAndSmallerOnesByAndBy() {
        learn("docs", BODY, 1_000, 0.001);
        learn("docs", BODY, 1 << 20, 0.001);
        assertEquals(32, affordable(BODY, "docs"));
        learn("docs", BODY, 1_000, 0.001);
        assertEquals(45, affordable(BODY, "docs"));
    }

    @Test
    void whatWasLongAgoIsForgotten() {
        learn("docs", BODY, 1_000, 0.001);
        now += FetchCosts.KEPT_NANOS;
        assertEquals(WINDOW, affordable(BODY, "docs"));
        now += 1;
        assertEquals(FetchCosts.FIRST_HITS, affordable(BODY, "docs"));
    }

    @Test
    void noMoreIsKeptThanOfSoManyIndexes() {
        for (int number = 0; number <= FetchCosts.MAX_KNOWN / 2; number++) {
            learn("docs-" + number, BODY, 1_000, 0.001);
        }
        assertEquals(FetchCosts.FIRST_HITS, affordable(BODY, "docs-0"));
        assertEquals(WINDOW, affordable(BODY, "docs-1"));
    }
}
