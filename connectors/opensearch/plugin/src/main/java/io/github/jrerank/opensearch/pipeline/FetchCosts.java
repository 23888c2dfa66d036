package io.github.jrerank.opensearch.pipeline;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.opensearch.search.fetch.subphase.FetchSourceContext;

/**
 * What the hits of each index cost to fetch, as searches have found, and so how many can be fetched for reranking: a search must not
 * be late, nor its node's heap be filled, because we asked for more than its caller did.
 */
final class FetchCosts {
    /** Of an index that no search has fetched these fields of. */
    static final int FIRST_HITS = 25;
    /** No matter how long it took: it was the Java process that was slow, not its documents that are large. */
    static final long FREE_BYTES = 1 << 20;
    static final long MAX_BYTES = 32 << 20;
    /** Of the time for reranking, the rest is the sidecar's. */
    static final double TIME_SHARE = 0.25;
    /** A shard unpacks a document, parses it and writes the fields, where the reading of the passage only parses. */
    static final int FETCHES_PER_READ = 2;
    /** Whoever searches more indexes in turn finds each of them unknown. */
    static final int MAX_KNOWN = 20_000;
    static final long KEPT_NANOS = TimeUnit.DAYS.toNanos(1);
    private static final Integer WHOLE = FetchSourceContext.FETCH_SOURCE.hashCode();
    private static final HitCost NO_HITS = new HitCost(0, 0, 0);

    /**
     * @param index its UUID
     * @param filter null: whatever was fetched of its documents
     */
    private record Key(String index, Integer filter) {}

    /**
     * @param each of the last searches
     * @param steady what searches go by
     */
    private record Known(HitCost each, HitCost steady, long nanos) {}

    private final LongSupplier nanoTime;
    private final Map<Key, Known> known = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Known> eldest) {
            return size() > MAX_KNOWN;
        }
    };

    /** @param nanoTime the clock, such as System::nanoTime */
    FetchCosts(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /**
     * How many hits can be fetched: in steps, so that it is the same from search to search, and mostly from node to node.
     *
     * @param indexes the UUIDs of those that are searched
     * @param filter what is fetched of a document
     * @param page as many as the caller has asked for
     * @param window as many as are wanted
     * @param timeoutMs of reranking
     */
    int affordable(Collection<String> indexes, FetchSourceContext filter, int page, int window, int timeoutMs) {
        if (indexes.isEmpty() || filter.fetchSource() == false) {
            return window;
        }
        HitCost each = indexes.stream().map(index -> of(index, filter)).filter(Objects::nonNull).reduce(HitCost::max).orElse(null);
        int most = each == null ? window : most(each, window, TimeUnit.MILLISECONDS.toNanos(timeoutMs));
        int known = isKnown(indexes, filter) ? most : Math.min(FIRST_HITS, most);
        return Math.min(window, Math.max(page, known));
    }

    private static int most(HitCost each, int window, double timeoutNanos) {
        if (each.bytesEach() * window <= FREE_BYTES) {
            return window;
        }
        double inTime = timeoutNanos * TIME_SHARE / (each.readNanosEach() * (1 + FETCHES_PER_READ));
        return stepBelow((int) Math.min(inTime, MAX_BYTES / each.bytesEach()));
    }

    /** The largest of 1, 2, 3, 4, 6, 8, 12, 16, 24 and so on that is no more. */
    private static int stepBelow(int hits) {
        int power = Integer.highestOneBit(hits);
        return hits - power >= power / 2 ? power + power / 2 : power;
    }

    /**
     * What was found in the hits of one search.
     *
     * @param searched the UUIDs of all indexes that were searched
     * @param found by the UUIDs of those that had hits
     */
    synchronized void learn(Collection<String> searched, Map<String, HitCost> found, FetchSourceContext filter) {
        found.forEach((index, cost) -> {
            learn(new Key(index, filter.hashCode()), cost);
            Known largest = fresh(new Key(index, null));
            if (largest == null || cost.bytesEach() >= largest.each().bytesEach()) {
                put(new Key(index, null), cost, cost);
            }
        });
        if (found.values().stream().mapToInt(HitCost::hits).sum() >= FIRST_HITS) {
            searched.forEach(index -> learnNoHits(new Key(index, filter.hashCode())));
        }
    }

    private void learn(Key key, HitCost cost) {
        Known before = fresh(key);
        if (before == null || before.each().equals(NO_HITS)) {
            put(key, cost, cost);
        } else {
            HitCost each = before.each().then(cost);
            put(key, each, each.steady(before.steady()));
        }
    }

    /** Of many indexes some never have one among the best: they don't narrow all searches of the others. */
    private void learnNoHits(Key key) {
        if (fresh(key) == null) {
            put(key, NO_HITS, NO_HITS);
        }
    }

    private synchronized boolean isKnown(Collection<String> indexes, FetchSourceContext filter) {
        return indexes.stream().allMatch(index -> fresh(new Key(index, filter.hashCode())) != null || seen(index, WHOLE) != null);
    }

    /** Null where no search has fetched of it. No filter leaves in more than the whole document. */
    private synchronized HitCost of(String index, FetchSourceContext filter) {
        return Stream.of(Optional.of(filter.hashCode()), Optional.of(WHOLE), Optional.<Integer>empty())
            .map(left -> seen(index, left.orElse(null)))
            .filter(Objects::nonNull)
            .findFirst()
            .orElse(null);
    }

    private HitCost seen(String index, Integer filter) {
        Known found = fresh(new Key(index, filter));
        return found == null || found.each().equals(NO_HITS) ? null : found.steady();
    }

    private Known fresh(Key key) {
        Known found = known.get(key);
        return found == null || nanoTime.getAsLong() - found.nanos() > KEPT_NANOS ? null : found;
    }

    /** As the youngest. */
    private void put(Key key, HitCost each, HitCost steady) {
        known.remove(key);
        known.put(key, new Known(each, steady, nanoTime.getAsLong()));
    }
}
