package io.github.jrerank.opensearch.pipeline;

import java.math.BigDecimal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
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
     * The fields take turns. Where not all values are within the bounds, the last passage is the text of all fields.
     */
    static List<String> each(Map<String, Object> source, List<String> fields, ValueBounds bounds) {
        List<List<String>> texts = fields.stream().map(field -> values(field, source, bounds)).toList();
        List<Integer> several = IntStream.range(0, texts.size()).filter(place -> texts.get(place).size() > 1).boxed().toList();
        if (several.isEmpty()) {
            return Stream.ofNullable(of(source, fields)).toList();
        }
        int count = several.stream().mapToInt(place -> texts.get(place).size()).sum();
        boolean areAllRead = count <= bounds.passages();
        Stream<String> made = inTurns(texts, several).limit(areAllRead ? count : bounds.passages() - 1);
        Stream<String> whole = areAllRead ? Stream.empty() : Stream.of(of(source, fields));
        List<String> passages = Stream.concat(made, whole).map(text -> SentText.cut(text, bounds.passageChars())).distinct().toList();
        return foremost(passages, bounds.chars());
    }

    private static Stream<String> inTurns(List<List<String>> texts, List<Integer> places) {
        int turns = places.stream().mapToInt(place -> texts.get(place).size()).max().orElse(0);
        return IntStream.range(0, turns)
            .boxed()
            .flatMap(turn -> places.stream()
                .filter(place -> turn < texts.get(place).size())
                .map(place -> withOneOf(texts, place, texts.get(place).get(turn)))
            );
    }

    /** As many as there are passages, and one more: then some are left out. */
    private static List<String> values(String field, Map<String, Object> source, ValueBounds bounds) {
        return values(XContentMapValues.extractValue(field, source))
            .limit(bounds.passages() + 1L)
            .map(text -> SentText.cut(text, bounds.passageChars()))
            .toList();
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

    private static Stream<String> values(Object value) {
        return flat(value).stream().map(Passage::leaf).filter(Objects::nonNull);
    }

    /** What is in a list and in the lists in it, which may be nested too deep for calls: a stack that overflows ends the node. */
    private static List<Object> flat(Object value) {
        List<Object> found = new ArrayList<>();
        Deque<Iterator<?>> left = new ArrayDeque<>();
        left.push(Collections.singletonList(value).iterator());
        while (left.isEmpty() == false) {
            Object one = left.peek().hasNext() ? left.peek().next() : null;
            if (one instanceof List<?> list) {
                left.push(list.iterator());
            } else if (one != null) {
                found.add(one);
            } else if (left.peek().hasNext() == false) {
                left.pop();
            }
        }
        return found;
    }

    /** Null where it is no text. */
    private static String leaf(Object value) {
        if (value instanceof Double || value instanceof Float) {
            return new BigDecimal(value.toString()).stripTrailingZeros().toPlainString();
        }
        boolean isLeaf = value instanceof String || value instanceof Number || value instanceof Boolean;
        return isLeaf && value.toString().isBlank() == false ? value.toString() : null;
    }
}
