package io.github.jrerank.opensearch.ext;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a pipeline and a search may say alike. Each check returns what is wrong, or null. */
public final class OptionChecks {
    public static final int MAX_WINDOW = 10_000;
    private static final Set<String> UNREAD = Set.of("below", "keep", "cut");
    private static final Set<String> PASSAGE_FROM = Set.of("fields", "values", "highlight");
    private static final Map<String, String> FUSION_METHODS = Map.of("linear", "weight", "rrf", "rank_constant");
    private static final Map<String, String> FUSION_RANGES = Map.of(
        "weight", "a number from 0",
        "rank_constant", "a whole number from 1"
    );

    private OptionChecks() {}

    /** What the sidecar would refuse at every search is refused once, here. */
    public static String problemOfFusion(Map<?, ?> fusion) {
        String parameter = FUSION_METHODS.get(String.valueOf(fusion.get("method")));
        if (parameter == null) {
            return "its method must be linear or rrf";
        }
        if (Set.of("method", parameter).containsAll(fusion.keySet()) == false) {
            return "with this method it may hold " + parameter + " and nothing else";
        }
        Object value = fusion.get(parameter);
        boolean isRight = parameter.equals("weight") ? isWeight(value) : value instanceof Integer constant && constant >= 1;
        return value == null || isRight ? null : "its " + parameter + " must be " + FUSION_RANGES.get(parameter);
    }

    private static boolean isWeight(Object value) {
        return isFinite(value) && ((Number) value).doubleValue() >= 0;
    }

    public static String problemOfFields(List<?> fields) {
        for (Object field : fields) {
            if ((field instanceof String) == false || ((String) field).isBlank()) {
                return "must hold names of fields, not [" + field + "]";
            }
            if (((String) field).contains("*")) {
                return "must name each field, and [" + field + "] is a pattern";
            }
        }
        return null;
    }

    public static String problemOfUnread(Object unread) {
        return UNREAD.contains(unread) ? null : "must be below, keep or cut";
    }

    public static String problemOfPassageFrom(Object from) {
        return PASSAGE_FROM.contains(from) ? null : "must be fields, values or highlight";
    }

    public static String problemOfMinScore(Object minScore) {
        return isFinite(minScore) ? null : "must be a number";
    }

    private static boolean isFinite(Object value) {
        return value instanceof Number number && Double.isFinite(number.doubleValue());
    }
}
