package io.github.jrerank.opensearch.pipeline;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.opensearch.core.common.text.Text;
import org.opensearch.search.SearchHit;
import org.opensearch.search.fetch.subphase.highlight.AbstractHighlighterBuilder;
import org.opensearch.search.fetch.subphase.highlight.HighlightBuilder;

/**
 * The text that an engine has highlighted, without the marks around words: how one search marks it.
 *
 * @param tags longer ones first
 */
record Highlights(List<String> tags, boolean isEscaped) {
    /** Each of them is looked for in each fragment. */
    static final int MAX_TAGS = 50;
    private static final List<String> PLAIN_TAGS = List.of("<em>", "</em>");

    private static final String[][] ESCAPES = {
        { "&quot;", "\"" }, { "&lt;", "<" }, { "&gt;", ">" }, { "&#x27;", "'" }, { "&#x2F;", "/" }, { "&amp;", "&" } };

    /** `asked` is the search's own, or null. Null where that has more tags than are looked for. */
    static Highlights of(HighlightBuilder asked) {
        List<String> tags = tags(asked);
        return tags.size() > MAX_TAGS ? null : new Highlights(tags, asked != null && "html".equals(asked.encoder()));
    }

    static Map<String, List<String>> in(SearchHit hit) {
        return hit.getHighlightFields()
            .entrySet()
            .stream()
            .filter(entry -> entry.getValue().fragments() != null)
            .collect(Collectors.toMap(Map.Entry::getKey, entry -> Arrays.stream(entry.getValue().fragments()).map(Text::string).toList()));
    }

    /** The fragments of all passage fields, a line each; null where there are none. */
    String text(Map<String, List<String>> found, List<String> fields) {
        String text = fields.stream()
            .flatMap(field -> found.getOrDefault(field, List.of()).stream())
            .map(this::withoutTags)
            .map(fragment -> isEscaped ? unescaped(fragment) : fragment)
            .filter(line -> line.isBlank() == false)
            .collect(Collectors.joining("\n"));
        return text.isEmpty() ? null : text;
    }

    /** A field's own, the whole search's, else the engine's; longer ones first. */
    private static List<String> tags(HighlightBuilder asked) {
        if (asked == null) {
            return List.of();
        }
        List<String> ofSearch = own(asked).toList();
        Stream<String> ofFields = asked.fields().stream().flatMap(Highlights::own);
        return Stream.concat((ofSearch.isEmpty() ? PLAIN_TAGS : ofSearch).stream(), ofFields)
            .filter(tag -> tag.isEmpty() == false)
            .distinct()
            .sorted(Comparator.comparingInt(String::length).reversed())
            .toList();
    }

    private static Stream<String> own(AbstractHighlighterBuilder<?> asked) {
        return Stream.of(asked.preTags(), asked.postTags()).filter(tags -> tags != null).flatMap(Arrays::stream);
    }

    /** Of what the engine's `html` encoder writes; the ampersand's own comes last. */
    private static String unescaped(String text) {
        String plain = text;
        for (String[] escape : ESCAPES) {
            plain = plain.replace(escape[0], escape[1]);
        }
        return plain;
    }

    private String withoutTags(String text) {
        String plain = text;
        for (String tag : tags) {
            plain = plain.replace(tag, "");
        }
        return plain;
    }
}
