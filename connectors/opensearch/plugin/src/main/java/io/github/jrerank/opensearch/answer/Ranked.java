package io.github.jrerank.opensearch.answer;

/** A hit after reranking: its place in the first stage, from 0, the score it is shown with, and which of its texts that is of. */
public record Ranked(int index, float score, boolean isScored, int best) {
    public Ranked(int index, float score, boolean isScored) {
        this(index, score, isScored, 0);
    }
}
