package io.github.jrerank.opensearch.pipeline;

import java.util.List;
import org.opensearch.core.common.bytes.BytesReference;
import org.opensearch.search.SearchHit;
import org.opensearch.search.fetch.subphase.highlight.HighlightBuilder;
import org.opensearch.search.lookup.SourceLookup;

/**
 * Reads the hits of one search.
 *
 * @param highlights null where hits are read by their documents alone
 * @param isShortening whether what is too long to be sent is stepped over; how long a shard took to parse a document doesn't show then
 */
record PassageReader(
    List<String> fields,
    PassageFrom from,
    Highlights highlights,
    ValueBounds bounds,
    boolean isShortening
) {
    /** 200 MB/s: of a document that is not parsed here it is not known how long its shard took. */
    static final long NANOS_PER_UNPARSED_BYTE = 5;
    /** 500 MB/s: to step over a text takes less time than to unpack it and to send it from shard to node. */
    static final long LEAST_NANOS_PER_BYTE_STEPPED_OVER = 2;

    /**
     * @param highlighter of the search, or null
     * @param hits how many are read
     * @param isShortening whether shards have parsed none of the documents
     */
    static PassageReader of(List<String> fields, Options options, HighlightBuilder highlighter, int hits, boolean isShortening) {
        Highlights highlights = options.passageFrom() == PassageFrom.HIGHLIGHT ? Highlights.of(highlighter) : null;
        ValueBounds bounds = ValueBounds.ofEach(hits, options.maxPassageChars());
        return new PassageReader(fields, options.passageFrom(), highlights, bounds, isShortening);
    }

    /**
     * What the hit has cost.
     *
     * @param readNanos how long `texts` took
     */
    HitCost cost(SearchHit hit, long readNanos) {
        long bytes = hit.hasSource() ? hit.getSourceRef().length() : 0;
        return new HitCost(1, bytes, Math.max(readNanos, bytes * leastNanosPerByte(hit)));
    }

    private long leastNanosPerByte(SearchHit hit) {
        if (isParsed(hit)) {
            return isShortening ? LEAST_NANOS_PER_BYTE_STEPPED_OVER : 0;
        }
        return NANOS_PER_UNPARSED_BYTE;
    }

    /** The best of them counts; none where the hit shows none. */
    List<String> texts(SearchHit hit) {
        return wholeTexts(hit).stream().map(text -> SentText.wellFormed(cut(text))).toList();
    }

    /** A search with more hits than anybody reads does not hold more text than others, blanks or not. */
    private String cut(String text) {
        int maxChars = Math.min(bounds.passageChars(), bounds.chars());
        return SentText.cut(text, maxChars, Math.min(2 * maxChars, bounds.chars()));
    }

    private List<String> wholeTexts(SearchHit hit) {
        String highlighted = highlighted(hit);
        if (highlighted != null) {
            return List.of(highlighted);
        }
        return isParsed(hit) ? from.texts(SourceLookup.sourceAsMap(source(hit)), fields, bounds) : List.of();
    }

    /** One character more than is sent, so that it shows where the text is to be cut. */
    private BytesReference source(SearchHit hit) {
        return isShortening ? ShortStrings.in(hit.getSourceRef(), bounds.passageChars() + 1) : hit.getSourceRef();
    }

    /** A hit without a highlight is read by its document. */
    private boolean isParsed(SearchHit hit) {
        return hit.hasSource() && fields.isEmpty() == false && highlighted(hit) == null;
    }

    private String highlighted(SearchHit hit) {
        return highlights == null ? null : highlights.text(Highlights.in(hit), fields);
    }
}
