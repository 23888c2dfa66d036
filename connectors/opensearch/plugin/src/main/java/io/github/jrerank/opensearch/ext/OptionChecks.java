package io.github.jrerank.opensearch.ext;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** What a pipeline and a search may say alike. Each check returns what is wrong, or null. */
public final class OptionChecks {
    public static final int MAX_WINDOW = 10_000;
    public static final int MAX_TOKENS = 1_000_000_000;
    /** Every path is looked for in every hit, whose keys may hold dots themselves. */
    private static final int MAX_FIELDS = 50;
    private static final int MAX_PATH_CHARS = 500;
    private static final int MAX_PATH_PARTS = 20;
    private static final double MAX_WEIGHT = 1e6;
    private static final int MAX_RANK_CONSTANT = 1_000_000_000;
    private static final Set<String> UNREAD = Set.of("below", "keep", "cut");
    private static final Set<String> PASSAGE_FROM = Set.of("fields", "values", "highlight");
    private static final Map<String, String> FUSION_METHODS = Map.of("linear", "weight", "rrf", "rank_constant");
    private static final Map<String, String> FUSION_RANGES = Map.of(
        "weight", "a number from 0 to 1,000,000",
        "rank_constant", "a whole number from 1 to 1,000,000,000"
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
        boolean isRight = parameter.equals("weight") ? isWeight(value) : isRankConstant(value);
        return value == null || isRight ? null : "its " + parameter + " must be " + FUSION_RANGES.get(parameter);
    }

    private static boolean isWeight(Object value) {
        return isFinite(value) && ((Number) value).doubleValue() >= 0 && ((Number) value).doubleValue() <= MAX_WEIGHT;
    }

    private static boolean isRankConstant(Object value) {
        return value instanceof Integer constant && constant >= 1 && constant <= MAX_RANK_CONSTANT;
    }

    public static String problemOfFields(List<?> fields) {
        if (fields.size() > MAX_FIELDS) {
            return "must name at most " + MAX_FIELDS + " fields";
        }
        for (Object field : fields) {
            if ((field instanceof String) == false || ((String) field).isBlank()) {
                return "must hold names of fields, not [" + field + "]";
            }
            if (((String) field).contains("*")) {
                return "must name each field, and [" + field + "] is a pattern";
            }
            String problem = problemOfPath((String) field);
            if (problem != null) {
                return problem;
            }
        }
        return null;
    }

    public static String problemOfPath(String path) {
        if (path.length() > MAX_PATH_CHARS) {
            return "must not name a path of more than " + MAX_PATH_CHARS + " characters";
        }
        return path.chars().filter(character -> character == '.').count() < MAX_PATH_PARTS
            ? null
            : "must not name a path of more than " + MAX_PATH_PARTS + " parts";
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
