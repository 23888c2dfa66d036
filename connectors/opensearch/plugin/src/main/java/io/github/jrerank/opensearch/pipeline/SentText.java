package io.github.jrerank.opensearch.pipeline;

/** A text as it is sent to a sidecar. */
final class SentText {
    private static final String REPLACEMENT = "\ufffd";

    private SentText() {}

    /** The beginning of a text with so many characters that are not blank: the rest would be sent and not be read. */
    static String cut(String text, int maxChars) {
        if (text == null || text.length() <= maxChars) {
            return text;
        }
        int left = maxChars;
        for (int place = 0; place < text.length();) {
            int character = text.codePointAt(place);
            if (Character.isWhitespace(character) == false && --left < 0) {
                return text.substring(0, place);
            }
            place += Character.charCount(character);
        }
        return text;
    }

    /** With U+FFFD for half a surrogate pair, which JSON in UTF-8 cannot hold; documents may. */
    static String wellFormed(String text) {
        if (text == null || isWellFormed(text)) {
            return text;
        }
        StringBuilder formed = new StringBuilder(text.length());
        text.codePoints().forEach(character -> {
            if (isSurrogate(character)) {
                formed.append(REPLACEMENT);
            } else {
                formed.appendCodePoint(character);
            }
        });
        return formed.toString();
    }

    private static boolean isWellFormed(String text) {
        return text.codePoints().noneMatch(SentText::isSurrogate);
    }

    private static boolean isSurrogate(int character) {
        return character >= Character.MIN_SURROGATE && character <= Character.MAX_SURROGATE;
    }
}
