package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PassageTests {
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
    void listsMayBeNestedAsDeepAsAnEngineTakesThem() {
        Object nested = List.of("東京");
        for (int level = 0; level < 1_000; level++) {
            nested = List.of(nested, level);
        }
        Map<String, Object> source = Map.of("body", nested);
        assertEquals(1_001, Passage.of(source, List.of("body")).lines().count());
        assertEquals(List.of("東京", "0", "1"), Passage.each(source, List.of("body"), ValueBounds.ofEach(1, 8_192)).subList(0, 3));
    }
}
