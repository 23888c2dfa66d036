package io.github.jrerank.opensearch.pipeline;

/** Which hits are fetched so that the first `window` of them can be reranked and the caller's page cut from the result. */
public record Window(int fetchFrom, int fetchSize, boolean isCut) {
    /** `maxResultWindow` is the index's: asking for more of it fails the search. */
    public static Window of(int from, int size, int window, int maxResultWindow) {
        int wanted = (int) Math.min(Integer.MAX_VALUE, (long) from + size); // which the engine refuses, as it would the caller's own
        int widened = Math.max(wanted, Math.min(window, maxResultWindow));
        return new Window(0, widened, true);
    }

    /** The caller's page as it is. */
    public static Window unchanged(int from, int size) {
        return new Window(from, size, false);
    }
}
