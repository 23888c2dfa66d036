package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.opensearch.core.common.bytes.BytesArray;
import org.opensearch.search.SearchHit;

class PassageReaderTests {
    private static final List<String> FIELDS = List.of("body");

    private static SearchHit hit(String source) {
        SearchHit hit = new SearchHit(1, "1", Map.of(), Map.of());
        hit.sourceRef(new BytesArray(source));
        return hit;
    }

    private static PassageReader reader(ValueBounds bounds) {
        return new PassageReader(FIELDS, PassageFrom.FIELDS, null, bounds);
    }

    @Test
    void halfACharacterInADocumentCostsNoSearch() {
        SearchHit hit = hit("{\"body\": \"東京\\ud83d\"}");
        assertEquals(List.of("東京\ufffd"), reader(ValueBounds.ofEach(1, 8_192)).texts(hit));
    }

    @Test
    void blanksOfManyHitsAreNoMoreTextTogetherEither() {
        SearchHit hit = hit("{\"body\": \"" + "東  ".repeat(9_000) + "\"}");
        assertEquals(16_384, reader(ValueBounds.ofEach(100, 8_192)).texts(hit).get(0).length());
        assertEquals(838, reader(ValueBounds.ofEach(10_000, 8_192)).texts(hit).get(0).length());
    }

    @Test
    void manyHitsHaveNoMoreTextTogetherThanAnySearch() {
        SearchHit hit = hit("{\"body\": \"" + "東".repeat(9_000) + "\"}");
        assertEquals(8_192, reader(ValueBounds.ofEach(100, 8_192)).texts(hit).get(0).length());
        assertEquals(838, reader(ValueBounds.ofEach(10_000, 8_192)).texts(hit).get(0).length());
        assertEquals(List.of(), reader(ValueBounds.ofEach(1, 8_192)).texts(hit("{}")));
    }
}
