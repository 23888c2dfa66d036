package io.github.jrerank.opensearch.answer;

/** A hit after reranking: its place in the first stage, from 0, and the score it is shown with. */
public record Ranked(int index, float score, boolean isScored) {}
