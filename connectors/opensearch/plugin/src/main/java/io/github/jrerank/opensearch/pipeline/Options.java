package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.answer.Unread;
import io.github.jrerank.opensearch.ext.JrerankExt;
import io.github.jrerank.opensearch.ext.OptionChecks;
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
    Unread unread,
    Float minScore,
    PassageFrom passageFrom,
    Reading reading
) {
    static final int DEFAULT_WINDOW = 100;
    private static final int DEFAULT_TIMEOUT_MS = 500;
    private static final int MAX_TIMEOUT_MS = 600_000;
    /** Twice as many as a sidecar reads unless it is told otherwise. */
    private static final int DEFAULT_READ_TOKENS = 1024;
    private static final int CHARS_PER_TOKEN = 8;
    /** More than fits into all windows of a passage, and with as many blanks no more than a sidecar takes. */
    private static final int MAX_PASSAGE_CHARS = 1_000_000;

    static Options from(String type, String tag, Map<String, Object> config) {
        int timeoutMs = timeoutMs(type, tag, config);
        int window = ConfigurationUtils.readIntProperty(type, tag, config, "window", DEFAULT_WINDOW);
        checkRange(type, tag, "window", window, OptionChecks.MAX_WINDOW);
        return new Options(
            ConfigurationUtils.readStringProperty(type, tag, config, "endpoint"),
            ConfigurationUtils.readOptionalStringProperty(type, tag, config, "store"),
            timeoutMs,
            window,
            failsSearch(type, tag, config),
            ConfigurationUtils.readBooleanProperty(type, tag, config, "hit_details", false),
            fusion(type, tag, config),
            maxTokensPerDoc(type, tag, config),
            unread(type, tag, config),
            minScore(type, tag, config),
            passageFrom(type, tag, config),
            Reading.from(type, tag, config)
        );
    }

    static int timeoutMs(String type, String tag, Map<String, Object> config) {
        int timeoutMs = ConfigurationUtils.readIntProperty(type, tag, config, "timeout_ms", DEFAULT_TIMEOUT_MS);
        checkRange(type, tag, "timeout_ms", timeoutMs, MAX_TIMEOUT_MS);
        return timeoutMs;
    }

    static void checkRange(String type, String tag, String name, int value, int most) {
        if (value < 1 || value > most) {
            throw ConfigurationUtils.newConfigurationException(type, tag, name, "must be from 1 to " + most);
        }
    }

    /** With what a search says itself; of two times the shorter counts. */
    Options with(JrerankExt ext) {
        Number minimum = ext.or("min_score", minScore);
        return new Options(
            endpoint,
            store,
            Math.min(timeoutMs, ext.timeoutMs(timeoutMs)),
            window,
            failsSearch,
            hitDetails || ext.wantsHitDetails(),
            ext.or("fusion", fusion),
            ext.or("max_tokens_per_doc", maxTokensPerDoc),
            Unread.of(ext.or("unread", unread.name())),
            minimum == null ? null : minimum.floatValue(),
            PassageFrom.of(ext.or("passage_from", passageFrom.name())),
            reading
        );
    }

    /** So many characters of a passage, blanks not counted, hold all the tokens that are read of it, and more. */
    int maxPassageChars() {
        long tokens = Math.max(DEFAULT_READ_TOKENS, maxTokensPerDoc == null ? 0 : maxTokensPerDoc);
        return (int) Math.min(MAX_PASSAGE_CHARS, tokens * CHARS_PER_TOKEN);
    }

    private static Unread unread(String type, String tag, Map<String, Object> config) {
        String word = ConfigurationUtils.readStringProperty(type, tag, config, "unread", "below");
        refuse(type, tag, "unread", OptionChecks.problemOfUnread(word));
        return Unread.of(word);
    }

    private static PassageFrom passageFrom(String type, String tag, Map<String, Object> config) {
        String word = ConfigurationUtils.readStringProperty(type, tag, config, "passage_from", "fields");
        refuse(type, tag, "passage_from", OptionChecks.problemOfPassageFrom(word));
        return PassageFrom.of(word);
    }

    private static Float minScore(String type, String tag, Map<String, Object> config) {
        Object value = config.remove("min_score");
        if (value == null) {
            return null;
        }
        refuse(type, tag, "min_score", OptionChecks.problemOfMinScore(value));
        return ((Number) value).floatValue();
    }

    private static void refuse(String type, String tag, String name, String problem) {
        if (problem != null) {
            throw ConfigurationUtils.newConfigurationException(type, tag, name, problem);
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
        refuse(type, tag, "fusion", fusion == null ? null : OptionChecks.problemOfFusion(fusion));
        return fusion;
    }

    private static Integer maxTokensPerDoc(String type, String tag, Map<String, Object> config) {
        if (config.containsKey("max_tokens_per_doc") == false) {
            return null;
        }
        int tokens = ConfigurationUtils.readIntProperty(type, tag, config, "max_tokens_per_doc", null);
        checkRange(type, tag, "max_tokens_per_doc", tokens, OptionChecks.MAX_TOKENS);
        return tokens;
    }
}
