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
    /**
     * @param highlighter of the search, or null
     * @param hits how many are read
     */
    static PassageReader of(List<String> fields, Options options, HighlightBuilder highlighter, int hits) {
        Highlights highlights = options.passageFrom() == PassageFrom.HIGHLIGHT ? Highlights.of(highlighter) : null;
        return new PassageReader(fields, options.passageFrom(), highlights, ValueBounds.ofEach(hits, options.maxPassageChars()));
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
        String highlighted = highlights == null ? null : highlights.text(Highlights.in(hit), fields);
        if (highlighted != null) {
            return List.of(highlighted);
        }
        boolean isRead = hit.hasSource() && fields.isEmpty() == false;
        return isRead ? from.texts(SourceLookup.sourceAsMap(hit.getSourceRef()), fields, bounds) : List.of();
    }
}
