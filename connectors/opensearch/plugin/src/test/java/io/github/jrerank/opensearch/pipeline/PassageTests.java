package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;

class PassageTests {
    @Test
    void isCutAfterSoManyCharacters() {
        assertEquals("東京", Passage.cut("東京の天気", 2));
        assertSame("東京", Passage.cut("東京", 2));
        assertNull(Passage.cut(null, 2));
    }

    @Test
    void blanksDoNotCount() {
        assertEquals("　 東\n\n京\n", Passage.cut("　 東\n\n京\nの", 2));
        assertEquals("東" + " ".repeat(99), Passage.cut("東" + " ".repeat(99), 1));
    }

    @Test
    void noCharacterIsCutInHalf() {
        assertEquals("😀", Passage.cut("😀😀", 1));
    }
}
