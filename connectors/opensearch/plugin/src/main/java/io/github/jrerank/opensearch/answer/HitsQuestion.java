package io.github.jrerank.opensearch.answer;

import io.github.jrerank.opensearch.client.Call;
import io.github.jrerank.opensearch.client.Failure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import org.opensearch.common.xcontent.XContentFactory;
import org.opensearch.core.common.bytes.BytesReference;
import org.opensearch.core.xcontent.XContentBuilder;

/** The body of `POST /v1/hits`. */
public record HitsQuestion(
    String query,
    List<Candidate> candidates,
    String store,
    Map<String, Object> fusion,
    Integer maxTokensPerDoc
) implements Call.Question<Answer> {
    private static final long AROUND_BYTES = 1L << 16;
    private static final long HIT_BYTES = 1L << 10;

    @Override
    public byte[] body(long timeoutMs) {
        try (XContentBuilder json = XContentFactory.jsonBuilder()) {
            json.startObject().field("query", query).field("timeout_ms", timeoutMs);
            json.field("store", store).field("fusion", fusion).field("max_tokens_per_doc", maxTokensPerDoc);
            json.startArray("hits");
            for (Candidate candidate : candidates) {
                write(candidate, json);
            }
            return BytesReference.toBytes(BytesReference.bytes(json.endArray().endObject()));
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    private static void write(Candidate candidate, XContentBuilder json) throws IOException {
        json.startObject().field("id", candidate.id());
        if (candidate.texts().size() > 1) {
            json.field("texts", candidate.texts());
        } else {
            json.field("text", candidate.hasText() ? candidate.texts().get(0) : null);
        }
        Float score = Float.isFinite(candidate.score()) ? candidate.score() : null;
        json.field("score", score).endObject();
    }

    /** An id may be all escapes of six characters. */
    @Override
    public long maxAnswerBytes() {
        return AROUND_BYTES + candidates.stream().mapToLong(candidate -> HIT_BYTES + 6L * candidate.id().length()).sum();
    }

    @Override
    public Answer read(byte[] answer) throws Failure {
        return Answer.read(answer, candidates);
    }
}
