package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

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

    private FetchSourceContext cheapest(FetchSourceContext parts, String... indexes) {
        return costs.cheapest(List.of(indexes), parts, WINDOW);
    }

    private void learn(String index, FetchSourceContext filter, int bytesEach, double readMsEach) {
        costs.learn(List.of(index), Map.of(index, new HitCost(10, 10L * bytesEach, Math.round(10 * readMsEach * MS))), filter);
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
        assertEquals(48, affordable(BODY, "docs"), "of " + TIMEOUT_MS / 4 / (3 * 0.5) + " the step below");
        assertEquals(PAGE, costs.affordable(List.of("docs"), BODY, PAGE, WINDOW, 20), "never less than the caller's page");
    }

    @Test
    void wholeDocumentsTakeTheirShardLess() {
        learn("docs", ALL, 100_000, 0.5);
        assertEquals(64, affordable(ALL, "docs"), "of " + TIMEOUT_MS / 4 / (2 * 0.5) + " the step below");
    }

    @Test
    void largePartsAreFetchedWithTheRestOfTheDocumentUnlessThatIsLarge() {
        assertSame(BODY, cheapest(BODY, "docs"), "nothing is known");
        learn("docs", BODY, 100_000, 0.5);
        assertSame(BODY, cheapest(BODY, "docs"), "the rest may be of any length");
        learn("docs", ALL, 150_000, 0.1);
        assertEquals(ALL, cheapest(BODY, "docs"));
        learn("docs", ALL, 151_000, 0.1);
        assertSame(BODY, cheapest(BODY, "docs"));
    }

    @Test
    void partsAreNotForgottenWhileWholeDocumentsAreFetchedInTheirPlace() {
        learn("docs", BODY, 100_000, 0.5);
        for (int day = 0; day < 3; day++) {
            learn("docs", ALL, 150_000, 0.1);
            costs.learnNothingNew(List.of("docs", "unknown"), BODY);
            now += FetchCosts.KEPT_NANOS;
            assertEquals(ALL, cheapest(BODY, "docs"));
        }
        assertSame(BODY, cheapest(BODY, "unknown"));
        learn("docs", ALL, 151_000, 0.1);
        assertSame(BODY, cheapest(BODY, "docs"), "they are no larger than they were");
    }

    @Test
    void smallPartsAreFetchedAlone() {
        learn("docs", BODY, 10_000, 0.1);
        assertSame(BODY, cheapest(BODY, "docs"));
        learn("large", BODY, 100_000, 0.5);
        assertSame(BODY, cheapest(BODY, "docs", "large"), "in every index");
    }

    @Test
    void whatIsWholeOrNotFetchedStaysSo() {
        FetchSourceContext whole = new FetchSourceContext(true, null, null);
        learn("docs", whole, 100_000, 0.1);
        assertSame(whole, cheapest(whole, "docs"));
        assertSame(FetchSourceContext.DO_NOT_FETCH_SOURCE, cheapest(FetchSourceContext.DO_NOT_FETCH_SOURCE, "docs"));
        assertSame(BODY, cheapest(BODY));
    }

    @Test
    void theyFillNoHeap() {
        learn("docs", BODY, 1 << 20, 0.001);
        assertEquals(32, affordable(BODY, "docs"));
    }

    @Test
    void aWindowThatIsNoStepIsFetchedAsAWholeWhereThereIsRoomForIt() {
        learn("docs", BODY, 300_000, 0.001);
        assertEquals(WINDOW, affordable(BODY, "docs"), "there is room for 111, of which 96 are the step below");
    }

    @Test
    void theCostliestOfTheSearchedIndexesCounts() {
        learn("small", BODY, 1_000, 0.01);
        learn("large", BODY, 1 << 20, 0.001);
        assertEquals(32, affordable(BODY, "small", "large"));
        assertEquals(WINDOW, affordable(BODY, "small"));
    }

    @Test
    void whatOneFilterLeavesInSaysNothingOfAnother() {
        learn("docs", ALL, 1 << 20, 0.001);
        assertEquals(FetchCosts.FIRST_HITS, affordable(BODY, "docs"), "a shard parses documents for it");
        learn("small", ALL, 10_000, 0.001);
        assertEquals(WINDOW, affordable(BODY, "small"), "but that it leaves in no more than the whole document");
        learn("docs", BODY, 1_000, 0.01);
        assertEquals(WINDOW, affordable(BODY, "docs"));
        assertEquals(32, affordable(ALL, "docs"));
    }

    @Test
    void whatASmallFieldCostsSaysNothingOfTheWholeDocument() {
        learn("docs", new FetchSourceContext(true, new String[] { "title" }, null), 60, 0.001);
        assertEquals(FetchCosts.FIRST_HITS, affordable(ALL, "docs"));
        learn("sourceless", FetchSourceContext.DO_NOT_FETCH_SOURCE, 0, 0);
        assertEquals(FetchCosts.FIRST_HITS, affordable(ALL, "sourceless"));
    }

    @Test
    void anUnknownIndexIsNoSmallerBesideAKnownOne() {
        learn("small", BODY, 1_000, 0.01);
        assertEquals(FetchCosts.FIRST_HITS, affordable(BODY, "small", "unknown"));
        learn("huge", BODY, 4 << 20, 0.001);
        assertEquals(PAGE, affordable(BODY, "huge", "unknown"), "8 of these fit");
    }

    @Test
    void anIndexThatHasNoHitAmongManyNarrowsNoOthers() {
        var many = new HitCost(FetchCosts.FIRST_HITS, 25_000, MS);
        costs.learn(List.of("small", "other"), Map.of("small", new HitCost(3, 3_000, MS)), BODY);
        assertEquals(FetchCosts.FIRST_HITS, affordable(BODY, "small", "other"), "a few say little");
        costs.learn(List.of("small", "other"), Map.of("small", many), BODY);
        assertEquals(WINDOW, affordable(BODY, "small", "other"));
        learn("other", BODY, 1 << 20, 0.001);
        assertEquals(32, affordable(BODY, "small", "other"));
    }

    @Test
    void anIndexWithoutHitsIsNoSmallerThanItWas() {
        learn("other", BODY, 1 << 20, 0.001);
        costs.learn(List.of("small", "other"), Map.of("small", new HitCost(FetchCosts.FIRST_HITS, 25_000, MS)), ALL);
        assertEquals(32, affordable(ALL, "small", "other"));
        var title = new FetchSourceContext(true, new String[] { "title" }, null);
        assertEquals(FetchCosts.FIRST_HITS, affordable(title, "other"));
    }

    @Test
    void searchesWithoutHitsSayNothing() {
        costs.learn(List.of("docs"), Map.of(), BODY);
        assertEquals(FetchCosts.FIRST_HITS, affordable(BODY, "docs"));
    }

    @Test
    void oneCallersPagesAreOfTheSameWindow() {
        for (double readMsEach : new double[] { 0.5, 0.7, 0.4, 0.6, 0.3, 0.75, 0.5 }) {
            learn("docs", BODY, 100_000, readMsEach);
            assertEquals(48, affordable(BODY, "docs"), "after " + readMsEach + " ms");
        }
        for (int search = 0; search < 10; search++) {
            learn("docs", BODY, 100_000, 2);
        }
        assertEquals(12, affordable(BODY, "docs"), "a node that has become slow");
    }

    @Test
    void largerDocumentsCountAtOnceAndSmallerOnesByAndBy() {
        learn("docs", BODY, 1_000, 0.001);
        learn("docs", BODY, 1 << 20, 0.001);
        assertEquals(32, affordable(BODY, "docs"));
        learn("docs", BODY, 1_000, 0.001);
        assertEquals(32, affordable(BODY, "docs"));
        learn("docs", BODY, 1_000, 0.001);
        assertEquals(64, affordable(BODY, "docs"));
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
