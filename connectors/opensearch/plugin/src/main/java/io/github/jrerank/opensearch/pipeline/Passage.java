package io.github.jrerank.opensearch.pipeline;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
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
