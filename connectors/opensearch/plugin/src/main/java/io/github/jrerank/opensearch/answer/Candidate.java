package io.github.jrerank.opensearch.answer;

/** A hit before reranking. `text` is null where the sidecar's store is to fetch it, or where there is none. */
public record Candidate(String id, String text, float score) {}
