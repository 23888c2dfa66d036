package io.github.jrerank.opensearch.pipeline;

import java.util.regex.Pattern;

/** A text as it is sent to a sidecar. */
final class SentText {
    private static final String REPLACEMENT = "\ufffd";
    private static final Pattern BLANKS = Pattern.compile("(\\p{javaWhitespace})\\p{javaWhitespace}++");

    private SentText() {}

    /** As below, with as many blanks as other characters at most. */
    static String cut(String text, int maxChars) {
        return cut(text, maxChars, 2 * maxChars);
    }

    /**
     * The beginning of a text with so many characters that are not blank: the rest would be sent and not be read. Where that is too long,
     * for its blanks are sent and refused by their number, each run of them becomes its first.
     *
     * @param maxLength of all characters
     */
    static String cut(String text, int maxChars, int maxLength) {
        String begun = withoutRest(text, maxChars);
        if (begun == null || begun.length() <= maxLength) {
            return begun;
        }
        String dense = BLANKS.matcher(begun).replaceAll("$1");
        if (dense.length() <= maxLength) {
            return dense;
        }
        boolean isInPair = Character.isSurrogatePair(dense.charAt(maxLength - 1), dense.charAt(maxLength));
        return dense.substring(0, isInPair ? maxLength - 1 : maxLength);
    }

    private static String withoutRest(String text, int maxChars) {
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
