package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;

class SentTextTests {
    @Test
    void isCutAfterSoManyCharacters() {
        assertEquals("東京", SentText.cut("東京の天気", 2));
        assertSame("東京", SentText.cut("東京", 2));
        assertNull(SentText.cut(null, 2));
    }

    @Test
    void blanksDoNotCount() {
        assertEquals("　 東\n\n京\n", SentText.cut("　 東\n\n京\nの", 2, 7));
        assertEquals("東" + " ".repeat(99), SentText.cut("東" + " ".repeat(99), 1, 100));
    }

    @Test
    void moreBlanksThanOtherCharactersAreOneEach() {
        assertEquals("a b", SentText.cut("a" + " ".repeat(10_000) + "b", 4_096));
        assertEquals("　東\n京 ", SentText.cut("　 \t".repeat(10_000) + "東" + "\n ".repeat(99) + "京  の", 2, 5));
        assertEquals("東 😀", SentText.cut("東   😀😀", 3, 5));
        assertEquals(8_192, SentText.cut("a b ".repeat(10_000), 4_096).length());
        assertEquals(8_192, SentText.cut("a  b  ".repeat(10_000), 4_096).length());
    }

    @Test
    void noCharacterIsCutInHalf() {
        assertEquals("😀", SentText.cut("😀😀", 1));
    }

    @Test
    void halfASurrogatePairIsReplaced() {
        assertEquals("東\ufffd京😀\ufffd", SentText.wellFormed("東\ud83d京😀\ude00"));
        assertEquals("\ufffd\ufffd", SentText.wellFormed("\ude00\ud83d"));
        assertSame("東京😀", SentText.wellFormed("東京😀"));
        assertNull(SentText.wellFormed(null));
    }
}
