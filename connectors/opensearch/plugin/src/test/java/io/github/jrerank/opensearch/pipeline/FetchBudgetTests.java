package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntToLongFunction;
import org.junit.jupiter.api.Test;

class FetchBudgetTests {
    private static final long MS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final int PROCESSORS = 4, PAGE = 10;
    private static final IntToLongFunction HIT_TAKES_4_MS = hits -> 4 * hits * MS;

    private long now;
    private final FetchBudget budget = new FetchBudget(PROCESSORS, () -> now);

    private int hits(int most) {
        return draw(most).hits();
    }

    private FetchBudget.Draw draw(int most) {
        return budget.draw(PAGE, most, HIT_TAKES_4_MS);
    }

    @Test
    void anIdleNodeHasTimeForWhateverOneSearchWants() {
        assertEquals(1_000, hits(1_000), "which takes ten times as long as may be spent at once");
        assertEquals(0, hits(PAGE));
        now += 1_800 * MS;
        assertEquals(0, hits(PAGE), "two processors have just repaid 3.6 s");
        now += 1;
        assertEquals(PAGE, hits(PAGE));
    }

    @Test
    void windowsAreNarrowedToWhatIsLeftAndNeverBelowThePage() {
        assertEquals(64, hits(64));
        assertEquals(32, hits(64), "144 of 400 ms are left, for 36 hits");
        assertEquals(PAGE, hits(64), "on credit: 16 ms are left");
        assertEquals(0, hits(64));
        now += 12 * MS;
        assertEquals(0, hits(64), "two processors have repaid 24 ms");
        now += 1;
        assertEquals(PAGE, hits(64));
    }

    @Test
    void aPageThatIsLargerThanTheWindowDrawsForTheWindow() {
        assertEquals(5, budget.draw(5, 5, HIT_TAKES_4_MS).hits());
        assertEquals(1, budget.draw(1, 1, hits -> 380 * MS).hits());
        assertEquals(0, budget.draw(1, 1, HIT_TAKES_4_MS).hits());
    }

    @Test
    void whatCostsNothingIsNeverLimited() {
        hits(1_000);
        assertEquals(100, budget.draw(PAGE, 100, hits -> 0).hits());
    }

    @Test
    void itIsScarceForASecondAfterASearchThatWantedMore() {
        assertEquals(false, draw(64).isScarce());
        assertEquals(true, draw(64).isScarce(), "narrowed to 32 hits");
        now += FetchBudget.SCARCE_NANOS - 1;
        assertEquals(true, draw(PAGE).isScarce(), "though there is time again");
        now += 1;
        assertEquals(false, draw(PAGE).isScarce());
        draw(1_000);
        assertEquals(true, draw(PAGE).isScarce(), "refused");
    }

    @Test
    void whoeverSearchesAloneIsNeverLimited() {
        for (int processors : new int[] { 1, 2, 16 }) {
            var alone = new FetchBudget(processors, () -> now);
            for (int search = 0; search < 100; search++) {
                FetchBudget.Draw draw = alone.draw(PAGE, 96, hits -> 20 * HIT_TAKES_4_MS.applyAsLong(hits));
                assertEquals(96, draw.hits(), "an estimate that is 20 times too high");
                assertEquals(false, draw.isScarce());
                now += 5 * MS;
                alone.refund(draw.nanos(), 5 * MS);
            }
        }
    }

    @Test
    void anIndexWhosePageTakesLongerThanMayBeSpentAtOnceGetsItsTurnsBesideACheapOne() {
        Random random = new Random(20);
        long cheapNanos = draw(64).nanos(), costlyNanos = 0;
        for (int search = 0; search < 10_000; search++) {
            now += MS;
            if (random.nextBoolean()) {
                cheapNanos += draw(64).nanos();
            } else {
                costlyNanos += budget.draw(PAGE, 64, hits -> 60 * hits * MS).nanos();
            }
        }
        assertTrue(costlyNanos > now / 10 && cheapNanos > now / 100, costlyNanos + " beside " + cheapNanos);
        double most = PROCESSORS * (FetchBudget.BURST_NANOS_PER_PROCESSOR + FetchBudget.PROCESSORS_SHARE * now) + 600 * MS;
        assertTrue(cheapNanos + costlyNanos <= most, "and together no more than their share");
    }

    @Test
    void whatCostsNothingWaitsForNoOtherSearch() throws InterruptedException {
        var isDrawn = new CountDownLatch(1);
        synchronized (budget) {
            new Thread(() -> {
                budget.draw(PAGE, 100, hits -> 0);
                isDrawn.countDown();
            }).start();
            assertTrue(isDrawn.await(20, TimeUnit.SECONDS));
        }
    }

    @Test
    void whatTookLongerThanThoughtIsNotPaidTwice() {
        FetchBudget.Draw draw = draw(64);
        budget.refund(draw.nanos(), 10 * draw.nanos());
        assertEquals(32, hits(64), "as if nothing had been given back or taken");
    }

    @Test
    void searchesOfWhateverNumberAndSizeSpendNoMoreThanTheirShare() {
        Random random = new Random(19);
        double spent = 0;
        for (int search = 0; search < 10_000; search++) {
            now += random.nextInt((int) (3 * MS));
            long each = random.nextInt((int) (20 * MS));
            spent += budget.draw(1 + random.nextInt(20), 1 + random.nextInt(100), hits -> hits * each).nanos();
        }
        double onCredit = 100 * 20 * MS;
        double most = PROCESSORS * (FetchBudget.BURST_NANOS_PER_PROCESSOR + FetchBudget.PROCESSORS_SHARE * now) + onCredit;
        assertTrue(spent <= most, spent + " of " + most);
        assertTrue(spent > most * 0.9, "and that is used");
    }
}
