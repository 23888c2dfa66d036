package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.opensearch.core.common.bytes.BytesArray;
import org.opensearch.core.common.text.Text;
import org.opensearch.search.SearchHit;
import org.opensearch.search.fetch.subphase.highlight.HighlightBuilder;
import org.opensearch.search.fetch.subphase.highlight.HighlightField;

class PassageReaderTests {
    private static final List<String> FIELDS = List.of("body");

    private static SearchHit hit(String source) {
        SearchHit hit = new SearchHit(1, "1", Map.of(), Map.of());
        hit.sourceRef(new BytesArray(source));
        return hit;
    }

    private static PassageReader reader(ValueBounds bounds) {
        return new PassageReader(FIELDS, PassageFrom.FIELDS, null, bounds, true);
    }

    @Test
    void aDocumentIsReadAlikeWhetherItsLongTextsAreSteppedOverOrNot() {
        var bounds = ValueBounds.ofEach(2, 20);
        for (String text : List.of("短い", "東京の天気。".repeat(9), " 　\\n東".repeat(99), "\\u3042\\\\\\\"".repeat(40), "😀 a".repeat(30))) {
            SearchHit hit = hit("{\"title\": \"" + text + "\", \"body\": [\"" + text + "\", \"終\"]}");
            for (PassageFrom from : List.of(PassageFrom.FIELDS, PassageFrom.VALUES)) {
                var whole = new PassageReader(List.of("title", "body"), from, null, bounds, false);
                var shortened = new PassageReader(List.of("title", "body"), from, null, bounds, true);
                assertEquals(whole.texts(hit), shortened.texts(hit));
            }
        }
    }

    @Test
    void halfACharacterInADocumentCostsNoSearch() {
        SearchHit hit = hit("{\"body\": \"東京\\ud83d\"}");
        assertEquals(List.of("東京\ufffd"), reader(ValueBounds.ofEach(1, 8_192)).texts(hit));
    }

    @Test
    void aDocumentThatIsNotReadHereHasCostItsShardTimeAllTheSame() {
        SearchHit hit = hit("{\"body\": \"" + "x".repeat(1_000_000) + "\"}");
        long unparsedNanos = hit.getSourceRef().length() * PassageReader.NANOS_PER_UNPARSED_BYTE;
        var ofStore = new PassageReader(List.of(), PassageFrom.FIELDS, null, ValueBounds.ofEach(1, 8_192), false);
        assertEquals(unparsedNanos, ofStore.cost(hit, 100).readNanos());
        HighlightBuilder asked = new HighlightBuilder().field("body");
        var ofHighlights = new PassageReader(FIELDS, PassageFrom.HIGHLIGHT, Highlights.of(asked), ValueBounds.ofEach(1, 8_192), false);
        assertEquals(100, ofHighlights.cost(hit, 100).readNanos(), "without a highlight it is read");
        hit.highlightFields(Map.of("body", new HighlightField("body", new Text[] { new Text("<em>x</em>") })));
        assertEquals(unparsedNanos, ofHighlights.cost(hit, 100).readNanos());
    }

    @Test
    void aTextThatIsSteppedOverWasUnpackedAndSentAllTheSame() {
        SearchHit hit = hit("{\"body\": \"" + "x".repeat(1_000_000) + "\"}");
        long leastNanos = hit.getSourceRef().length() * PassageReader.LEAST_NANOS_PER_BYTE_STEPPED_OVER;
        var bounds = ValueBounds.ofEach(1, 8_192);
        assertEquals(leastNanos, reader(bounds).cost(hit, 100).readNanos());
        assertEquals(leastNanos + 1, reader(bounds).cost(hit, leastNanos + 1).readNanos());
        var ofParts = new PassageReader(FIELDS, PassageFrom.FIELDS, null, bounds, false);
        assertEquals(100, ofParts.cost(hit, 100).readNanos(), "this one was read as a whole");
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
