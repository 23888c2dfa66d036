package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.opensearch.common.xcontent.smile.SmileXContent;
import org.opensearch.core.common.bytes.BytesArray;
import org.opensearch.core.common.bytes.BytesReference;
import org.opensearch.search.lookup.SourceLookup;

class ShortStringsTests {
    private static String shortened(String json, int maxChars) {
        return ShortStrings.in(new BytesArray(json), maxChars).utf8ToString();
    }

    private static void isLeft(String json, int maxChars) {
        BytesReference bytes = new BytesArray(json);
        assertSame(bytes, ShortStrings.in(bytes, maxChars));
    }

    @Test
    void theBeginningOfEachLongValueIsLeft() {
        assertEquals("{\"a\": \"東京\", \"b\": [\"天気\", \"は\", 1.5], \"c\": null}", shortened(
            "{\"a\": \"東京の人\", \"b\": [\"天気です\", \"は\", 1.5], \"c\": null}", 2));
        isLeft("{\"a\": \"東京\", \"b\": {}}", 2);
    }

    @Test
    void namesAreLeftWhole() {
        assertEquals("{\"long name 1\" : \"ab\", \"long name 2\":\"ab\"}", shortened(
            "{\"long name 1\" : \"abc\", \"long name 2\":\"abc\"}", 2));
    }

    @Test
    void blanksDoNotCountNorWhatMayBeOne() {
        assertEquals("{\"a\": \" 　\\n東京\"}", shortened("{\"a\": \" 　\\n東京の\"}", 2));
        assertEquals("{\"a\": \"\\u6771\\\\\u2003xy\"}", shortened("{\"a\": \"\\u6771\\\\\u2003xyz\"}", 2));
    }

    @Test
    void noCharacterAndNoEscapeIsCutInTwo() {
        assertEquals("{\"a\": \"😀😀\"}", shortened("{\"a\": \"😀😀😀\"}", 2));
        assertEquals("{\"a\": \"xy\"}", shortened("{\"a\": \"xy\\ud83d\\ude00 \\\" and \\\\\"}", 2));
    }

    @Test
    void whereTheRestEndsIsFoundWhereverItIs() {
        for (int length = 3; length < 40; length++) {
            assertEquals("{\"a\": \"xx\", \"b\": 1}", shortened("{\"a\": \"" + "x".repeat(length) + "\", \"b\": 1}", 2));
            String escaped = "x".repeat(length) + "\\\"" + "東".repeat(length) + "\\\\";
            assertEquals("{\"a\": \"xx\", \"b\": 1}", shortened("{\"a\": \"" + escaped + "\", \"b\": 1}", 2));
        }
    }

    @Test
    void theBytesMayBePartOfMore() {
        byte[] bytes = "xx{\"a\": \"long\"}\"".getBytes(StandardCharsets.UTF_8);
        assertEquals("{\"a\": \"lo\"}", ShortStrings.in(new BytesArray(bytes, 2, bytes.length - 3), 2).utf8ToString());
    }

    @Test
    void whatIsNotPlainJsonIsLeftAsItIs() throws IOException {
        isLeft("{/* \" */ \"a\": \"long\"}", 2);
        isLeft("{\"a\": \"long", 2);
        isLeft("{\"a\": \"long\\", 2);
        BytesReference smile = BytesReference.bytes(SmileXContent.contentBuilder().map(Map.of("a", "long")));
        assertSame(smile, ShortStrings.in(smile, 2));
        assertEquals("long", SourceLookup.sourceAsMap(smile).get("a"));
        BytesReference wide = new BytesArray("{\"a\": \"long\"}".getBytes(StandardCharsets.UTF_16LE));
        assertSame(wide, ShortStrings.in(wide, 2));
    }

    @Test
    void itIsStillTheSameDocument() {
        String json = "{\"a\": {\"b\": [[\"xyz\", true], {\"c\": \"\\t京都府\"}]}, \"d\": -1e5, \"e\": \"\"}";
        Map<String, Object> read = SourceLookup.sourceAsMap(ShortStrings.in(new BytesArray(json), 2));
        Map<String, Object> inside = Map.of("b", List.of(List.of("xy", true), Map.of("c", "\t京都")));
        assertEquals(Map.of("a", inside, "d", -1e5, "e", ""), read);
    }
}
