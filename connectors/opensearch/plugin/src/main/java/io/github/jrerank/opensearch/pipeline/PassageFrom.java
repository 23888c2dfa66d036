package io.github.jrerank.opensearch.pipeline;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** What of a hit is read. */
enum PassageFrom {
    /** All values of the passage fields as one text. */
    FIELDS,
    /** Each value of a field that has several, with the fields that have one; the best counts. */
    VALUES,
    /** What the engine has highlighted in the passage fields. */
    HIGHLIGHT;

    /** Of a document, where nothing of it is highlighted. */
    List<String> texts(Map<String, Object> source, List<String> fields, ValueBounds bounds) {
        return this == VALUES ? Passage.each(source, fields, bounds) : Stream.ofNullable(Passage.of(source, fields)).toList();
    }

    static PassageFrom of(String name) {
        return valueOf(name.toUpperCase(Locale.ROOT));
    }
}
