package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.opensearch.search.fetch.subphase.FetchSourceContext;

class FetchTests {
    private static final HitCost HITS = new HitCost(40, 40L << 20, 100_000);
    private static final long START_NANOS = 1_000_000;

    private static long extraNanos(boolean sourceIsShown, HitCost cost, long tookNanos) {
        var fetch = new Fetch(40, 10, false, FetchSourceContext.FETCH_SOURCE, sourceIsShown, START_NANOS, new AtomicInteger());
        return fetch.extraNanos(cost, START_NANOS + tookNanos);
    }

    @Test
    void fetchingTakesTwiceAsLongAsReading() {
        assertEquals(200_000, extraNanos(false, HITS, 1_000_000));
    }

    @Test
    void theCallersOwnHitsAreNoExtra() {
        assertEquals(150_000, extraNanos(true, HITS, 1_000_000));
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
