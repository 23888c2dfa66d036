package io.github.jrerank.opensearch.pipeline;

/**
 * How many passages the values of a hit become.
 *
 * @param chars of all of them together
 * @param passageChars of each, blanks not counted
 */
record ValueBounds(int passages, int chars, int passageChars) {
    private static final int MAX_VALUES = 100;
    private static final int MAX_VALUES_OF_SEARCH = 10_000;
    private static final int MAX_CHARS_OF_SEARCH = 8_388_608;

    /** Each of so many hits has the same share. */
    static ValueBounds ofEach(int hits, int passageChars) {
        int share = Math.max(1, hits);
        int passages = Math.max(1, Math.min(MAX_VALUES, MAX_VALUES_OF_SEARCH / share));
        return new ValueBounds(passages, MAX_CHARS_OF_SEARCH / share, passageChars);
    }
}
