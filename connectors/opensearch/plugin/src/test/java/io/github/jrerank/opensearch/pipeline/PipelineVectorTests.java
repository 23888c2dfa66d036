package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.jrerank.opensearch.ext.JrerankExt;
import io.github.jrerank.opensearch.query.BodyPath;
import io.github.jrerank.opensearch.query.Fields;
import io.github.jrerank.opensearch.query.QueryText;
import io.github.jrerank.opensearch.Vectors;
import io.github.jrerank.opensearch.Vectors.Case;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.core.common.ParsingException;
import org.opensearch.core.xcontent.XContentParseException;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.search.fetch.subphase.FetchSourceContext;

class PipelineVectorTests {
    @TestFactory
    Stream<DynamicTest> queryTextInTheBodyAsWritten() {
        return Stream.of("query_text.json", "named_text.json").flatMap(file -> Vectors.each(file, one -> {
            Map<String, Object> body = one.get("body");
            Optional<String> atPath = Optional.ofNullable(one.text("query_text_path"))
                .flatMap(path -> QueryText.text(BodyPath.of(path).read(body)));
            String found = QueryText.text(one.text("ext_query"))
                .or(() -> atPath)
                .orElseGet(() -> QueryText.find(body.get("query"), new Fields(fieldsOf(one), typesOf(one)::get)));
            assertEquals(one.expected(), found);
        }));
    }

    @Test
    void queryTextInTheBodyAsOpenSearchHasReadIt() {
        List<Case> known = Stream.of("query_text.json", "named_text.json").flatMap(Vectors::read).filter(PipelineVectorTests::isOfCore).toList();
        for (Case one : known) {
            Reading reading = new Reading(fieldsOf(one), one.text("query_text_path"));
            assertEquals(one.expected(), reading.queryText(one.text("ext_query"), one.body(), typesOf(one)::get), one.name());
        }
        assertTrue(known.size() >= 130, "only " + known.size() + " cases could be parsed");
    }

    private static List<String> fieldsOf(Case one) {
        List<String> fields = one.get("passage_fields");
        return fields == null ? List.of() : fields;
    }

    private static Map<String, String> typesOf(Case one) {
        Map<String, String> types = one.get("types");
        return types == null ? Map.of() : types;
    }

    /** Hybrid, neural and the like come with other plugins. */
    private static boolean isOfCore(Case one) {
        try {
            return one.body() != null;
        } catch (ParsingException | XContentParseException unknownQuery) {
            return false;
        }
    }

    @TestFactory
    Stream<DynamicTest> passthrough() {
        return Vectors.each("passthrough.json", one -> {
            SearchSourceBuilder search = one.body();
            JrerankExt ext = JrerankExt.of(new SearchRequest().source(search));
            int window = one.get("scroll") == null ? one.number("window") : Integer.MAX_VALUE;
            String text = new Reading(List.of(), null).queryText(ext.query(), search, name -> null);
            assertEquals(one.expected(), Passthrough.reason(search, ext, text, window));
        });
    }

    @TestFactory
    Stream<DynamicTest> window() {
        return Vectors.each("window.json", one -> {
            Window wide = Window.of(one.number("from"), one.number("size"), one.number("window"), one.number("max_result_window"));
            assertEquals(one.expected(), Map.of("from", wide.fetchFrom(), "size", wide.fetchSize()));
        });
    }

    @TestFactory
    Stream<DynamicTest> passage() {
        return Vectors.each("passage.json", one -> {
            assertEquals(one.expected(), Passage.of(one.get("source"), one.get("passage_fields")));
        });
    }

    @TestFactory
    Stream<DynamicTest> passages() {
        return Vectors.each("passages.json", one -> {
            List<String> fields = one.get("passage_fields");
            Map<String, List<String>> found = one.get("found");
            Map<String, Object> asked = one.get("highlight");
            PassageFrom from = PassageFrom.of(one.text("passage_from"));
            ValueBounds bounds = ValueBounds.ofEach(one.get("hits") == null ? 1 : one.number("hits"), 8_192);
            Highlights highlights = from == PassageFrom.HIGHLIGHT && asked != null
                ? Highlights.of(Vectors.search(Map.of("highlight", asked)).highlighter())
                : null;
            String highlighted = highlights == null || found == null ? null : highlights.text(found, fields);
            assertEquals(one.expected(), highlighted == null ? from.texts(one.get("source"), fields, bounds) : List.of(highlighted));
        });
    }

    @TestFactory
    Stream<DynamicTest> sourceFilter() {
        return Vectors.each("source_filter.json", one -> {
            List<String> fields = one.get("passage_fields");
            FetchSourceContext shown = SourceFilter.shown(one.body());
            boolean isOpen = SourceFilter.leavesIn(shown, fields);
            FetchSourceContext fetched = isOpen ? shown : SourceFilter.opened(shown, fields);
            Map<?, ?> expected = (Map<?, ?>) one.expected();
            assertFetched((Map<?, ?>) expected.get("fetched"), isOpen ? null : fetched);
            assertEquals(expected.get("passage"), Passage.of(seen(fetched, one.get("source")), fields));
            Map<String, Object> source = seen(fetched, one.get("source"));
            assertEquals(expected.get("shown"), shown.fetchSource() ? seen(shown, source) : null);
        });
    }

    private static void assertFetched(Map<?, ?> expected, FetchSourceContext fetched) {
        if (expected == null) {
            assertEquals(null, fetched);
            return;
        }
        assertArrayEquals(((List<?>) expected.get("includes")).toArray(), fetched.includes());
        assertArrayEquals(((List<?>) expected.get("excludes")).toArray(), fetched.excludes());
    }

    private static Map<String, Object> seen(FetchSourceContext filter, Map<String, Object> source) {
        return filter.fetchSource() ? filter.getFilter().apply(source) : Map.of();
    }
}
