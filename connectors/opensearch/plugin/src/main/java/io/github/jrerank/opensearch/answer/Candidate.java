package io.github.jrerank.opensearch.answer;

import java.util.List;

/** A hit before reranking, worth what its best text is. It has none where the sidecar's store is to fetch it, or where there is none. */
public record Candidate(String id, List<String> texts, float score) {
    public boolean hasText() {
        return texts.isEmpty() == false;
    }
}
