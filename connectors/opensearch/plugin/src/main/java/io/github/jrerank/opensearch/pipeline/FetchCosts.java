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
    /** A shard unpacks a document, parses it and writes the parts, where the reading of the passage only parses. */
    static final int FETCHES_PER_READ_OF_PARTS = 2;
    /** It only unpacks a whole document, whose long texts are stepped over by who reads it. */
    static final int FETCHES_PER_READ_OF_WHOLE = 1;
    /** Where it is longer than its parts by more, it is not sent in their place. */
    static final double MAX_WHOLE_PER_PARTS = 1.5;
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
        HitCost each = largest(indexes, filter);
        double timeNanos = TIME_SHARE * TimeUnit.MILLISECONDS.toNanos(timeoutMs) / (1 + fetchesPerRead(filter));
        int most = each == null || isFree(each, window) ? window : most(each, timeNanos, window);
        int known = isKnown(indexes, filter, window) ? most : Math.min(FIRST_HITS, most);
        return Math.min(window, Math.max(page, known));
    }

    /**
     * What each hit takes of the node's time.
     *
     * @param window as many hits as are wanted
     */
    HitPrice price(Collection<String> indexes, FetchSourceContext filter, int window) {
        HitCost each = filter.fetchSource() ? largest(indexes, filter) : null;
        boolean isFree = each == null || isFree(each, window);
        return isFree ? HitPrice.FREE : new HitPrice(each.readNanosEach(), fetchesPerRead(filter));
    }

    /** Null where no search has fetched of any of them. */
    private HitCost largest(Collection<String> indexes, FetchSourceContext filter) {
        return indexes.stream().map(index -> of(index, filter)).filter(Objects::nonNull).reduce(HitCost::max).orElse(null);
    }

    /** How often the time of reading a passage its shard has taken before. */
    static int fetchesPerRead(FetchSourceContext filter) {
        return isWhole(filter) ? FETCHES_PER_READ_OF_WHOLE : FETCHES_PER_READ_OF_PARTS;
    }

    static boolean isWhole(FetchSourceContext filter) {
        return filter.fetchSource() && filter.includes().length == 0 && filter.excludes().length == 0;
    }

    /**
     * What is to be fetched in place of these parts of a document: it as a whole where they are large and most of it, for it takes its
     * shard longer to take them out of it than to send the rest. How long it is shows where callers ask for whole documents: to try
     * would be to fetch whatever they leave out, such as attachments.
     *
     * @param window as many hits as are wanted
     */
    FetchSourceContext cheapest(Collection<String> indexes, FetchSourceContext parts, int window) {
        if (isWhole(parts) || parts.fetchSource() == false || indexes.isEmpty()) {
            return parts;
        }
        return indexes.stream().allMatch(index -> isWholeCheaper(index, parts, window)) ? FetchSourceContext.FETCH_SOURCE : parts;
    }

    private synchronized boolean isWholeCheaper(String index, FetchSourceContext parts, int window) {
        HitCost ofParts = seen(index, parts.hashCode());
        if (ofParts == null || isFree(ofParts, window)) {
            return false;
        }
        HitCost whole = seen(index, WHOLE);
        return whole != null && whole.bytesEach() <= ofParts.bytesEach() * MAX_WHOLE_PER_PARTS;
    }

    private static boolean isFree(HitCost each, int window) {
        return each.bytesEach() * window <= FREE_BYTES;
    }

    private static int most(HitCost each, double timeNanos, int window) {
        int hits = (int) Math.min(timeNanos / each.readNanosEach(), MAX_BYTES / each.bytesEach());
        return hits < window ? stepBelow(hits) : window;
    }

    /** The largest of 1, 2, 3, 4, 6, 8, 12, 16, 24 and so on that is no more. */
    static int stepBelow(int hits) {
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

    /**
     * That whole documents were fetched in place of these parts, which are thought to be as they were: else they would be forgotten.
     *
     * @param found the UUIDs of the indexes that had hits
     */
    synchronized void learnNothingNew(Collection<String> found, FetchSourceContext parts) {
        for (String index : found) {
            Key key = new Key(index, parts.hashCode());
            Known before = fresh(key);
            if (before != null) {
                put(key, before.each(), before.steady());
            }
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

    private synchronized boolean isKnown(Collection<String> indexes, FetchSourceContext filter, int window) {
        return indexes.stream().allMatch(index -> fresh(new Key(index, filter.hashCode())) != null || isFreeAsWhole(index, window));
    }

    /** Parts of a large document cost more than it does as a whole, and how much more is not known. */
    private boolean isFreeAsWhole(String index, int window) {
        HitCost whole = seen(index, WHOLE);
        return whole != null && isFree(whole, window);
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
