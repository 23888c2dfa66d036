package io.github.jrerank.opensearch.pipeline;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.opensearch.search.fetch.subphase.FetchSourceContext;

/**
 * What the hits of each index cost to fetch, as searches have found, and so how many can be fetched for reranking: a search must not
 * be late, nor its node's heap be filled, because we asked for more than its caller did.
 */
final class FetchCosts {
    /** Of an index that no search has fetched hits of. */
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

    /** `filter` null: whatever was fetched of its documents. */
    private record Key(String index, Integer filter) {}

    private record Known(HitCost each, long nanos) {}

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
     * How many hits can be fetched.
     *
     * @param filter what is fetched of a document
     * @param page as many the caller has asked for
     * @param window as many are wanted
     * @param timeoutMs of reranking
     */
    int affordable(Collection<String> indexes, FetchSourceContext filter, int page, int window, int timeoutMs) {
        if (indexes.isEmpty() || filter.fetchSource() == false) {
            return window;
        }
        HitCost each = indexes.stream().map(index -> of(index, filter)).filter(Objects::nonNull).reduce(HitCost::max).orElse(null);
        double most = each == null ? FIRST_HITS : most(each, window, TimeUnit.MILLISECONDS.toNanos(timeoutMs));
        return (int) Math.min(window, Math.max(page, most));
    }

    private static double most(HitCost each, int window, double timeoutNanos) {
        if (each.bytesEach() * window <= FREE_BYTES) {
            return window;
        }
        double inTime = timeoutNanos * TIME_SHARE / (each.readNanosEach() * (1 + FETCHES_PER_READ));
        return Math.min(inTime, MAX_BYTES / each.bytesEach());
    }

    /** What was found in the hits of one search, by index. */
    synchronized void learn(Map<String, HitCost> found, FetchSourceContext filter) {
        found.forEach((index, cost) -> {
            HitCost before = fresh(new Key(index, filter.hashCode()));
            put(new Key(index, filter.hashCode()), before == null ? cost : before.then(cost));
            HitCost largest = fresh(new Key(index, null));
            if (largest == null || cost.bytesEach() >= largest.bytesEach()) {
                put(new Key(index, null), cost);
            }
        });
    }

    /** Null where no search has fetched of it. */
    private synchronized HitCost of(String index, FetchSourceContext filter) {
        HitCost same = fresh(new Key(index, filter.hashCode()));
        return same == null ? fresh(new Key(index, null)) : same;
    }

    private HitCost fresh(Key key) {
        Known found = known.get(key);
        return found == null || nanoTime.getAsLong() - found.nanos() > KEPT_NANOS ? null : found.each();
    }

    /** As the youngest. */
    private void put(Key key, HitCost each) {
        known.remove(key);
        known.put(key, new Known(each, nanoTime.getAsLong()));
    }
}
