package io.github.jrerank.opensearch.pipeline;

import java.io.ByteArrayOutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.apache.lucene.util.BytesRef;
import org.opensearch.core.common.bytes.BytesArray;
import org.opensearch.core.common.bytes.BytesReference;

/**
 * A document with the beginnings of its long strings: whoever sends no more than these of a passage need not decode the rest, which takes
 * many times as long as to step over it.
 */
final class ShortStrings {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    /** To parse a shorter document takes no longer than to look through it. */
    private static final int MIN_BYTES_PER_CHAR = 4;
    private static final long ONES = 0x0101010101010101L;
    private static final long HIGH_BITS = 0x8080808080808080L;

    private final byte[] from;
    private final int end;
    private final int length;
    private final int maxChars;
    private final ByteArrayOutputStream made = new ByteArrayOutputStream();
    private int read;
    /** Where `from` is copied from next. */
    private int kept;

    private ShortStrings(BytesRef from, int maxChars) {
        this.from = from.bytes;
        this.read = from.offset;
        this.kept = from.offset;
        this.end = from.offset + from.length;
        this.length = from.length;
        this.maxChars = maxChars;
    }

    /**
     * The same document, with so many characters that are not blank at least of each value that has more. As it is where it is not plain
     * JSON: OpenSearch takes comments in it, and other formats.
     */
    static BytesReference in(BytesReference json, int maxChars) {
        if (json.length() <= MIN_BYTES_PER_CHAR * (long) maxChars || json.get(0) != '{' || json.get(1) == 0) {
            return json;
        }
        ShortStrings strings = new ShortStrings(json.toBytesRef(), maxChars);
        return strings.shorten() ? new BytesArray(strings.made.toByteArray()) : json;
    }

    /** Whether something was left out. */
    private boolean shorten() {
        while (read < end) {
            byte now = from[read++];
            if (now == '/' || now == '"' && readString() == false) {
                return false;
            }
        }
        keepUpTo(end);
        return made.size() < length;
    }

    /** Whether it ends. */
    private boolean readString() {
        int begin = read;
        int close = placeOfQuote(begin);
        if (close < 0) {
            return false;
        }
        read = close + 1;
        if (close - begin > maxChars && isName() == false) {
            keepUpTo(placeOfRest(begin, close));
            kept = close;
        }
        return true;
    }

    /** Where enough of the string has been, or its end. */
    private int placeOfRest(int begin, int close) {
        int left = maxChars;
        int place = begin;
        while (place < close && left > 0) {
            left -= isSeen(place) ? 1 : 0;
            place += lengthAt(place);
        }
        while (isContinued(from[place])) {
            place++;
        }
        return place;
    }

    /** Whether a character begins there that is no blank: in doubt it is one, and more is left. */
    private boolean isSeen(int place) {
        int first = from[place] & 0xff;
        boolean isIdeographicSpace = first == 0xe3 && place + 2 < end && from[place + 1] == (byte) 0x80 && from[place + 2] == (byte) 0x80;
        boolean mayBeBlank = first <= ' ' || first == '\\' || first == 0xe1 || first == 0xe2 || isIdeographicSpace;
        return mayBeBlank == false && isContinued(from[place]) == false;
    }

    private int lengthAt(int place) {
        if (from[place] != '\\') {
            return 1;
        }
        return from[place + 1] == 'u' ? 6 : 2;
    }

    private static boolean isContinued(byte now) {
        return (now & 0xc0) == 0x80;
    }

    /** Of the closing one from there on; below zero where there is none. */
    private int placeOfQuote(int start) {
        int place = start;
        while (place < end && from[place] != '"') {
            if (place + Long.BYTES <= end && isWithoutQuote((long) LONGS.get(from, place))) {
                place += Long.BYTES;
            } else {
                place += from[place] == '\\' ? 2 : 1;
            }
        }
        return place < end ? place : -1;
    }

    /** Nor a backslash; in doubt not. */
    private static boolean isWithoutQuote(long bytes) {
        return ((zeros(bytes ^ '"' * ONES) | zeros(bytes ^ '\\' * ONES)) & HIGH_BITS) == 0;
    }

    private static long zeros(long bytes) {
        return (bytes - ONES) & ~bytes;
    }

    /** What is before a colon: two names that begin alike stay two. */
    private boolean isName() {
        int place = read;
        while (place < end && (from[place] == ' ' || from[place] == '\t' || from[place] == '\n' || from[place] == '\r')) {
            place++;
        }
        return place < end && from[place] == ':';
    }

    private void keepUpTo(int place) {
        made.write(from, kept, place - kept);
        kept = place;
    }
}
