package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
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
    void ofManyValuesSomeAreReadAndNoneWhole() {
        Map<String, Object> source = Map.of("title", "題".repeat(5), "parts", IntStream.range(0, 1_000).mapToObj(part -> part + "部").toList());
        List<String> fields = List.of("title", "parts");
        assertEquals(100, Passage.each(source, fields, ValueBounds.ofEach(1, 8_192)).size());
        assertEquals(List.of("題題題題題\n0部", "題題題題題\n1部"), Passage.each(source, fields, new ValueBounds(9, 16, 8_192)));
        assertEquals(List.of("題題題題題\n0部"), Passage.each(source, fields, new ValueBounds(9, 1, 8_192)));
        assertEquals(List.of("題題題\n", "題題題"), Passage.each(source, fields, new ValueBounds(9, 16, 3)));
    }

    @Test
    void noCharacterIsCutInHalf() {
        assertEquals("😀", Passage.cut("😀😀", 1));
    }
}
