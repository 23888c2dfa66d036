package io.github.jrerank.opensearch.answer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class HitsQuestionTests {
    private static long maxAnswerBytes(int candidates) {
        var candidate = new Candidate("1234", List.of("東京"), 1f);
        return new HitsQuestion("東京", Collections.nCopies(candidates, candidate), null, null, null).maxAnswerBytes();
    }

    @Test
    void anAnswerIsAsLongAsItsHitsNeed() {
        assertEquals(65_536, maxAnswerBytes(0));
        assertEquals(65_536 + 100 * (1_024 + 24), maxAnswerBytes(100));
    }
}
