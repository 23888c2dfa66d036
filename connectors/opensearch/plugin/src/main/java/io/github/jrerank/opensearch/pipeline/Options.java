package io.github.jrerank.opensearch.pipeline;

import java.util.Map;
import java.util.Set;
import org.opensearch.ingest.ConfigurationUtils;

/** What a pipeline says to the `jrerank` processor. */
record Options(
    String endpoint,
    String store,
    int timeoutMs,
    int window,
    boolean failsSearch,
    boolean hitDetails,
    Map<String, Object> fusion,
    Integer maxTokensPerDoc,
    Reading reading
) {
    static final int DEFAULT_WINDOW = 100;
    private static final int DEFAULT_TIMEOUT_MS = 500;
    private static final int MAX_TIMEOUT_MS = 600_000;
    private static final Map<String, String> FUSION_METHODS = Map.of("linear", "weight", "rrf", "rank_constant");
    private static final Map<String, String> FUSION_RANGES = Map.of(
        "weight", "a number from 0",
        "rank_constant", "a whole number from 1"
    );

    static Options from(String type, String tag, Map<String, Object> config) {
        int timeoutMs = ConfigurationUtils.readIntProperty(type, tag, config, "timeout_ms", DEFAULT_TIMEOUT_MS);
        int window = ConfigurationUtils.readIntProperty(type, tag, config, "window", DEFAULT_WINDOW);
        checkRange(type, tag, "timeout_ms", timeoutMs, MAX_TIMEOUT_MS);
        checkRange(type, tag, "window", window, Window.MAX);
        return new Options(
            ConfigurationUtils.readStringProperty(type, tag, config, "endpoint"),
            ConfigurationUtils.readOptionalStringProperty(type, tag, config, "store"),
            timeoutMs,
            window,
            failsSearch(type, tag, config),
            ConfigurationUtils.readBooleanProperty(type, tag, config, "hit_details", false),
            fusion(type, tag, config),
            maxTokensPerDoc(type, tag, config),
            Reading.from(type, tag, config)
        );
    }

    static void checkRange(String type, String tag, String name, int value, int most) {
        if (value < 1 || value > most) {
            throw ConfigurationUtils.newConfigurationException(type, tag, name, "must be from 1 to " + most);
        }
    }

    private static boolean failsSearch(String type, String tag, Map<String, Object> config) {
        String word = ConfigurationUtils.readStringProperty(type, tag, config, "on_failure", "keep");
        if (Set.of("keep", "error").contains(word) == false) {
            throw ConfigurationUtils.newConfigurationException(type, tag, "on_failure", "must be keep or error");
        }
        return word.equals("error");
    }

    private static Map<String, Object> fusion(String type, String tag, Map<String, Object> config) {
        Map<String, Object> fusion = ConfigurationUtils.readOptionalMap(type, tag, config, "fusion");
        String problem = fusion == null ? null : problemOf(fusion);
        if (problem != null) {
            throw ConfigurationUtils.newConfigurationException(type, tag, "fusion", problem);
        }
        return fusion;
    }

    /** What the sidecar would refuse at every search is refused once, here. */
    private static String problemOf(Map<String, Object> fusion) {
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
        return value instanceof Number weight && weight.doubleValue() >= 0 && Double.isFinite(weight.doubleValue());
    }

    private static Integer maxTokensPerDoc(String type, String tag, Map<String, Object> config) {
        if (config.containsKey("max_tokens_per_doc") == false) {
            return null;
        }
        int tokens = ConfigurationUtils.readIntProperty(type, tag, config, "max_tokens_per_doc", null);
        checkRange(type, tag, "max_tokens_per_doc", tokens, Integer.MAX_VALUE);
        return tokens;
    }
}
