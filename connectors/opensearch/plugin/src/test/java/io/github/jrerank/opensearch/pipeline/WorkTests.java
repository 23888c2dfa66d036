package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.jrerank.opensearch.ext.JrerankExt;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.opensearch.action.search.SearchRequest;

class WorkTests {
    @Test
    void indexesStoreAndWhatTheCallerAsksForMakeAKind() {
        SearchRequest request = new SearchRequest("books", "titles");
        assertEquals("[books,titles]", Work.of(request, null, JrerankExt.NONE));
        assertEquals("[books,titles]", Work.of(request, null, new JrerankExt(Map.of("timeout_ms", 10))));
        var ext = new JrerankExt(Map.of("window", 500));
        assertEquals("[books,titles] by store [wiki] with [window 500]", Work.of(request, "wiki", ext));
    }

    @Test
    void ofManyIndexesTheFirstAreShown() {
        assertEquals("[" + "x".repeat(200) + "...]", Work.of(new SearchRequest("x".repeat(201)), null, JrerankExt.NONE));
    }
}
