package io.github.jrerank.opensearch.answer;

import io.github.jrerank.opensearch.client.Failure;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.opensearch.common.xcontent.XContentHelper;
import org.opensearch.core.xcontent.MediaTypeRegistry;
import org.opensearch.core.common.bytes.BytesArray;

/** A sidecar's answer: the candidates in their new order, each exactly once. */
public record Answer(String outcome, String reason, String model, List<Ranked> ranked) {
    private static final Set<String> OUTCOMES = Set.of(Marker.COMPLETE, Marker.PARTIAL, Marker.PASSTHROUGH);

    public static Answer read(byte[] json, List<Candidate> candidates) throws Failure {
        try {
            return of(XContentHelper.convertToMap(new BytesArray(json), false, MediaTypeRegistry.JSON).v2(), candidates);
        } catch (RuntimeException notJson) {
            throw new Failure(Failure.INVALID_ANSWER, notJson);
        }
    }

    public static Answer of(Map<String, Object> answer, List<Candidate> candidates) throws Failure {
        if (OUTCOMES.contains(answer.get("outcome")) == false || (answer.get("hits") instanceof List) == false) {
            throw new Failure(Failure.INVALID_ANSWER);
        }
        List<Ranked> ranked = ranked((List<?>) answer.get("hits"), candidates);
        return new Answer((String) answer.get("outcome"), text(answer, "reason"), text(answer, "model"), ranked);
    }

    public int reranked() {
        return (int) ranked.stream().filter(Ranked::isScored).count();
    }

    private static List<Ranked> ranked(List<?> hits, List<Candidate> candidates) throws Failure {
        BitSet seen = new BitSet();
        List<Ranked> ranked = new ArrayList<>();
        for (Object hit : hits) {
            Ranked one = ranked(hit, candidates);
            if (seen.get(one.index())) {
                throw new Failure("duplicate_results");
            }
            seen.set(one.index());
            ranked.add(one);
        }
        if (ranked.size() < candidates.size()) {
            throw new Failure("missing_results");
        }
        return ranked;
    }

    private static Ranked ranked(Object hit, List<Candidate> candidates) throws Failure {
        if ((hit instanceof Map) == false || (((Map<?, ?>) hit).get("first_rank") instanceof Integer) == false) {
            throw new Failure(Failure.INVALID_ANSWER);
        }
        Map<?, ?> map = (Map<?, ?>) hit;
        int index = (Integer) map.get("first_rank") - 1;
        if (index < 0 || index >= candidates.size() || candidates.get(index).id().equals(map.get("id")) == false) {
            throw new Failure("unexpected_results");
        }
        if (Boolean.TRUE.equals(map.get("scored")) == false) {
            return new Ranked(index, candidates.get(index).score(), false);
        }
        return new Ranked(index, score(map.get("score")), true, best(map.get("best_text"), candidates.get(index)));
    }

    private static int best(Object place, Candidate candidate) throws Failure {
        int best = place == null ? 0 : place instanceof Integer number ? number : -1;
        if (best < 0 || best > 0 && best >= candidate.texts().size()) {
            throw new Failure(Failure.INVALID_ANSWER);
        }
        return best;
    }

    private static float score(Object value) throws Failure {
        float score = value instanceof Number number ? number.floatValue() : Float.NaN;
        if (Float.isFinite(score) == false) {
            throw new Failure(Failure.INVALID_ANSWER);
        }
        return score;
    }

    private static String text(Map<String, Object> answer, String key) {
        return answer.get(key) instanceof String text ? text : null;
    }
}
