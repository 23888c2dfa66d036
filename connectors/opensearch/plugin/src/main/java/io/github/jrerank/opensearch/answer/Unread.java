package io.github.jrerank.opensearch.answer;

import java.util.Locale;

/** What becomes of the hits that the model has not read, once it has read others. */
public enum Unread {
    /** They follow with scores below those of all that were read, falling. */
    BELOW,
    /** They follow with their first-stage scores. */
    KEEP,
    /** They are left out. */
    CUT;

    public static Unread of(String name) {
        return valueOf(name.toUpperCase(Locale.ROOT));
    }
}
