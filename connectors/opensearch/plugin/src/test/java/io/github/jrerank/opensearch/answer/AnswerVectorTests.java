package io.github.jrerank.opensearch.answer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.jrerank.opensearch.Vectors;
import io.github.jrerank.opensearch.Vectors.Case;
import io.github.jrerank.opensearch.client.Failure;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

class AnswerVectorTests {
    private record Outcome(String outcome, String reason, int reranked, List<Ranked> order) {}

    @TestFactory
    Stream<DynamicTest> page() {
        return Vectors.each("page.json", one -> {
            List<Integer> whole = IntStream.range(0, one.number("hits")).boxed().toList();
            assertEquals(one.expected(), Ordering.page(whole, one.number("from"), one.number("size")));
        });
    }

    @TestFactory
    Stream<DynamicTest> merge() {
        return Vectors.each("merge.json", one -> {
            Outcome outcome = outcome(one);
            Map<?, ?> expected = (Map<?, ?>) one.expected();
            assertEquals(expected.get("outcome"), outcome.outcome());
            assertEquals(expected.get("reason"), outcome.reason());
            assertEquals(expected.get("reranked"), outcome.reranked());
            if (outcome.order().isEmpty()) {
                assertEquals(null, expected.get("max_score"));
            } else {
                assertEquals(asFloat(expected.get("max_score")), outcome.order().get(0).score());
            }
            assertEquals(hits((List<?>) expected.get("hits")), outcome.order().stream().map(ranked -> shown(one, ranked)).toList());
        });
    }

    private static Outcome outcome(Case one) {
        List<Candidate> all = hits(one.get("hits"));
        List<Float> first = all.stream().map(Candidate::score).toList();
        try {
            Answer answer = Answer.of(one.get("answer"), all.subList(0, Math.min(one.number("window"), all.size())));
            return new Outcome(answer.outcome(), answer.reason(), answer.reranked(), Ordering.of(answer.ranked(), first, unread(one), minScore(one)));
        } catch (Failure failure) {
            return new Outcome(Marker.PASSTHROUGH, failure.reason(), 0, Ordering.unchanged(first));
        }
    }

    private static Unread unread(Case one) {
        return Unread.of(one.get("unread") == null ? "below" : one.text("unread"));
    }

    private static Float minScore(Case one) {
        return one.get("min_score") == null ? null : asFloat(one.get("min_score"));
    }

    private static Candidate shown(Case one, Ranked ranked) {
        Map<?, ?> hit = (Map<?, ?>) one.<List<?>>get("hits").get(ranked.index());
        return new Candidate((String) hit.get("id"), List.of(), ranked.score());
    }

    private static List<Candidate> hits(List<?> hits) {
        return hits.stream()
            .map(hit -> (Map<?, ?>) hit)
            .map(hit -> new Candidate((String) hit.get("id"), List.of(), asFloat(hit.get("score"))))
            .toList();
    }

    private static float asFloat(Object number) {
        return ((Number) number).floatValue();
    }
}
