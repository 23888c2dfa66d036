package io.github.jrerank.opensearch.pipeline;

import java.util.List;
import org.opensearch.search.SearchHit;
import org.opensearch.search.fetch.subphase.highlight.HighlightBuilder;
import org.opensearch.search.lookup.SourceLookup;

/**
 * Reads the hits of one search.
 *
 * @param highlights null where hits are read by their documents alone
 */
record PassageReader(List<String> fields, PassageFrom from, Highlights highlights, ValueBounds bounds) {
    /** 200 MB/s: of a document that is not parsed here it is not known how long its shard took. */
    static final long NANOS_PER_UNPARSED_BYTE = 5;

    /**
     * @param highlighter of the search, or null
     * @param hits how many are read
     */
    static PassageReader of(List<String> fields, Options options, HighlightBuilder highlighter, int hits) {
        Highlights highlights = options.passageFrom() == PassageFrom.HIGHLIGHT ? Highlights.of(highlighter) : null;
        return new PassageReader(fields, options.passageFrom(), highlights, ValueBounds.ofEach(hits, options.maxPassageChars()));
    }

    /**
     * What the hit has cost.
     *
     * @param readNanos how long `texts` took
     */
    HitCost cost(SearchHit hit, long readNanos) {
        long bytes = hit.hasSource() ? hit.getSourceRef().length() : 0;
        return new HitCost(1, bytes, isParsed(hit) ? readNanos : Math.max(readNanos, bytes * NANOS_PER_UNPARSED_BYTE));
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
        return isParsed(hit) ? from.texts(SourceLookup.sourceAsMap(hit.getSourceRef()), fields, bounds) : List.of();
    }

    /** A hit without a highlight is read by its document. */
    private boolean isParsed(SearchHit hit) {
        return hit.hasSource() && fields.isEmpty() == false && highlighted(hit) == null;
    }

    private String highlighted(SearchHit hit) {
        return highlights == null ? null : highlights.text(Highlights.in(hit), fields);
    }
}
