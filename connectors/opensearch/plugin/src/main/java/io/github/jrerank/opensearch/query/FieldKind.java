package io.github.jrerank.opensearch.query;

/** How likely a query on a field is what its caller asks; the first is the likeliest. */
public enum FieldKind {
    PASSAGE,
    TEXT,
    UNKNOWN,
    OTHER
}
