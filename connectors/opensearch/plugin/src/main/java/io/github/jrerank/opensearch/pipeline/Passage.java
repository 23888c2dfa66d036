package io.github.jrerank.opensearch.pipeline;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.opensearch.common.xcontent.support.XContentMapValues;

/** The text of a document: its passage fields in their order, a line each. */
public final class Passage {
    private Passage() {}

    /** Null where the document has none of the fields. */
    public static String of(Map<String, Object> source, List<String> fields) {
        String text = fields.stream()
            .flatMap(field -> values(XContentMapValues.extractValue(field, source)))
            .collect(Collectors.joining("\n"));
        return text.isBlank() ? null : text;
    }

    /**
     * A passage for each value of a field that has several, beside those of fields that have one; else the one of all fields.
     * Values beyond the bounds are left out, but never the first.
     */
    static List<String> each(Map<String, Object> source, List<String> fields, ValueBounds bounds) {
        List<List<String>> texts = fields.stream().map(field -> values(field, source, bounds.passageChars())).toList();
        List<Integer> several = IntStream.range(0, texts.size()).filter(place -> texts.get(place).size() > 1).boxed().toList();
        if (several.isEmpty()) {
            return Stream.ofNullable(of(source, fields)).toList();
        }
        List<String> passages = several.stream()
            .flatMap(place -> texts.get(place).stream().map(value -> withOneOf(texts, place, value)))
            .limit(bounds.passages())
            .map(text -> cut(text, bounds.passageChars()))
            .distinct()
            .toList();
        return foremost(passages, bounds.chars());
    }

    private static List<String> values(String field, Map<String, Object> source, int maxChars) {
        return values(XContentMapValues.extractValue(field, source)).map(text -> cut(text, maxChars)).toList();
    }

    private static List<String> foremost(List<String> texts, int chars) {
        int left = chars - texts.get(0).length();
        int kept = 1;
        while (kept < texts.size() && left >= texts.get(kept).length()) {
            left -= texts.get(kept).length();
            kept++;
        }
        return texts.subList(0, kept);
    }

    private static String withOneOf(List<List<String>> texts, int place, String value) {
        return IntStream.range(0, texts.size())
            .filter(at -> at == place || texts.get(at).size() == 1)
            .mapToObj(at -> at == place ? value : texts.get(at).get(0))
            .collect(Collectors.joining("\n"));
    }

    /** The beginning of a text with so many characters that are not blank: the rest would be sent and not be read. */
    static String cut(String text, int maxChars) {
        if (text == null || text.length() <= maxChars) {
            return text;
        }
        int left = maxChars;
        for (int place = 0; place < text.length();) {
            int character = text.codePointAt(place);
            if (Character.isWhitespace(character) == false && --left < 0) {
                return text.substring(0, place);
            }
            place += Character.charCount(character);
        }
        return text;
    }

    private static Stream<String> values(Object value) {
        if (value instanceof List<?> list) {
            return list.stream().filter(Objects::nonNull).flatMap(Passage::values);
        }
        if (value instanceof Double || value instanceof Float) {
            return Stream.of(new BigDecimal(value.toString()).stripTrailingZeros().toPlainString());
        }
        boolean isLeaf = value instanceof String || value instanceof Number || value instanceof Boolean;
        return isLeaf ? Stream.of(value.toString()).filter(text -> text.isBlank() == false) : Stream.empty();
    }
}
