package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.answer.Answer;
import io.github.jrerank.opensearch.answer.Candidate;
import io.github.jrerank.opensearch.answer.HitsQuestion;
import io.github.jrerank.opensearch.answer.Marker;
import io.github.jrerank.opensearch.answer.Ordering;
import io.github.jrerank.opensearch.answer.Ranked;
import io.github.jrerank.opensearch.client.Call;
import io.github.jrerank.opensearch.client.Failure;
import io.github.jrerank.opensearch.ext.JrerankExt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.lucene.search.TotalHits;
import org.opensearch.OpenSearchStatusException;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.action.search.SearchResponse;
import org.opensearch.action.support.ContextPreservingActionListener;
import org.opensearch.core.action.ActionListener;
import org.opensearch.core.rest.RestStatus;
import org.opensearch.search.SearchHit;
import org.opensearch.search.pipeline.AbstractProcessor;
import org.opensearch.search.pipeline.PipelineProcessingContext;
import org.opensearch.search.pipeline.SearchResponseProcessor;
import org.opensearch.transport.Transports;

/** Reorders a search's hits as a sidecar says, within a time; whatever goes wrong, the search answers. */
final class RerankProcessor extends AbstractProcessor implements SearchResponseProcessor {
    static final String TYPE = "jrerank";
    private static final Logger LOGGER = LogManager.getLogger(RerankProcessor.class);

    private final Options options;
    private final Services services;

    RerankProcessor(String tag, String description, boolean ignoreFailure, Options options, Services services) {
        super(tag, description, ignoreFailure);
        this.options = options;
        this.services = services;
    }

    @Override
    public String getType() {
        return TYPE;
    }

    @Override
    public SearchResponse processResponse(SearchRequest request, SearchResponse response) {
        throw new UnsupportedOperationException("no search thread waits for a sidecar");
    }

    @Override
    public void processResponseAsync(
        SearchRequest request,
        SearchResponse response,
        PipelineProcessingContext context,
        ActionListener<SearchResponse> listener
    ) {
        long startNanos = System.nanoTime();
        Plan kept = services.plans().take(context);
        Plan plan = kept == null ? planOfPage(request) : kept;
        if (plan == Plan.LEFT_ALONE) {
            listener.onResponse(response);
            return;
        }
        var preserving = ContextPreservingActionListener.wrapPreservingContext(listener, services.threadContext());
        Search search = new Search(request, response, plan, startNanos, preserving);
        if (Transports.isTransportThread(Thread.currentThread())) {
            services.node().executor().accept(search::run); // reading documents is work, and other requests wait there
        } else {
            search.run();
        }
    }

    /** Without a `jrerank_window` before. */
    private Plan planOfPage(SearchRequest request) {
        if (services.origins().isOfOtherCluster()) {
            return Plan.LEFT_ALONE;
        }
        if (services.origins().isGroupSearch()) {
            return Plan.passthrough(Passthrough.COLLAPSE_GROUP, JrerankExt.NONE);
        }
        var types = services.limits().of(request).types();
        return Plan.safely(request, () -> Plan.asFetched(request, options.reading(), options.window(), types));
    }

    /** One search on its way through. */
    private final class Search {
        private final long startNanos;
        private final Options asked;
        private final SearchRequest request;
        private final SearchResponse response;
        private final Plan plan;
        private final ActionListener<SearchResponse> listener;
        private List<Candidate> candidates = List.of();
        private long extraNanos;

        Search(SearchRequest request, SearchResponse response, Plan plan, long startNanos, ActionListener<SearchResponse> listener) {
            this.asked = options.with(plan.ext());
            this.startNanos = startNanos;
            this.request = request;
            this.response = response;
            this.plan = plan;
            this.listener = listener;
        }

        void run() {
            if (plan.target() != null) {
                plan.target().remember(options);
            }
            String reason = plan.reason() == null ? services.endpoints().refusal(options.endpoint(), work()) : plan.reason();
            if (reason == null) {
                rerank();
                return;
            }
            refund();
            if (Failure.isWithoutRequest(reason) == false) {
                passThrough(reason);
            } else if (response.getHits().getHits().length == 0) {
                passThrough(Passthrough.NO_HITS);
            } else {
                failed(new Failure(reason));
            }
        }

        private void rerank() {
            try {
                candidates = readCandidates();
            } catch (RuntimeException unreadable) {
                failed(unreadable);
                return;
            }
            String reason = reasonIn(candidates);
            if (reason == null) {
                asked(candidates).whenComplete(this::settle);
            } else {
                passThrough(reason);
            }
        }

        private List<Candidate> readCandidates() {
            try {
                return candidates();
            } finally {
                refund();
            }
        }

        private void refund() {
            if (plan.fetch() != null) {
                plan.fetch().refund(services.budget(), System.nanoTime());
            }
        }

        private CompletableFuture<Answer> asked(List<Candidate> candidates) {
            try {
                return ask(candidates);
            } catch (RuntimeException bug) {
                return CompletableFuture.failedFuture(bug);
            }
        }

        private List<Candidate> candidates() {
            SearchHit[] hits = response.getHits().getHits();
            List<SearchHit> window = Arrays.asList(hits).subList(0, Math.min(plan.window(), hits.length));
            PassageReader reader = PassageReader.of(
                plan.reading().passageFields(),
                asked,
                request.source().highlighter(),
                window.size(),
                plan.fetch() == null || plan.fetch().isOfWholeDocuments()
            );
            List<Candidate> candidates = new ArrayList<>();
            Map<String, HitCost> costs = new HashMap<>();
            for (SearchHit hit : window) {
                long beginNanos = System.nanoTime();
                candidates.add(new Candidate(String.valueOf(hit.getId()), reader.texts(hit), hit.getScore()));
                costs.merge(indexOf(hit), reader.cost(hit, System.nanoTime() - beginNanos), HitCost::plus);
            }
            learn(costs);
            return candidates;
        }

        /** As `jrerank_window` knows it. */
        private static String indexOf(SearchHit hit) {
            return hit.getShard() == null ? hit.getIndex() : hit.getShard().getShardId().getIndex().getUUID();
        }

        /** What fetching for us has taken is taken off our time. */
        private void learn(Map<String, HitCost> costs) {
            if (plan.fetch() == null) {
                return;
            }
            plan.fetch().teach(services.costs(), costs);
            HitCost whole = costs.values().stream().reduce(new HitCost(0, 0, 0), HitCost::plus);
            long readingNanos = System.nanoTime() - startNanos;
            // on a node that stays busy all searches wait, and a sidecar that hangs has to be found out all the same
            long waitNanos = Math.max(0, Call.spareNanos(asked.timeoutMs()) - readingNanos);
            extraNanos = plan.fetch().extraNanos(whole, startNanos, waitNanos);
        }

        private String reasonIn(List<Candidate> candidates) {
            if (candidates.isEmpty()) {
                return Passthrough.NO_HITS;
            }
            boolean hasText = candidates.stream().anyMatch(Candidate::hasText);
            return hasText || asked.store() != null ? null : Passthrough.NO_PASSAGES;
        }

        private CompletableFuture<Answer> ask(List<Candidate> candidates) {
            if (services.endpoint(options.endpoint()) == null) { // gone since the search began
                return CompletableFuture.failedFuture(new Failure(Failure.UNKNOWN_ENDPOINT));
            }
            var question = new HitsQuestion(
                plan.queryText(),
                candidates,
                asked.store(),
                asked.fusion(),
                asked.maxTokensPerDoc()
            );
            boolean isUsualTime = asked.timeoutMs() == options.timeoutMs();
            boolean isUsualWork = plan.ext().work().isEmpty();
            var terms = new Call.Terms(work(), services.forwardedHeaders(), startNanos - extraNanos, asked.timeoutMs(), isUsualTime, isUsualWork);
            return Call.start(services.endpoint(asked.endpoint()), services.node(), question, terms);
        }

        private String work() {
            return Work.of(request, asked.store(), plan.ext());
        }

        private void settle(Answer answer, Throwable error) {
            if (error != null) {
                failed(error);
            } else if (answer.outcome().equals(Marker.PASSTHROUGH) && failsSearch()) {
                failed(new Failure(Objects.requireNonNullElse(answer.reason(), Failure.INVALID_ANSWER)));
            } else {
                reranked(answer);
            }
        }

        private void reranked(Answer answer) {
            boolean isShort = answer.reason() == null && answer.outcome().equals(Marker.COMPLETE) && isNarrowed();
            String outcome = isShort ? Marker.PARTIAL : answer.outcome();
            String reason = isShort ? plan.fetch().narrowedBy() : answer.reason();
            var marker = new Marker(outcome, reason, tookMs(), answer.reranked(), answer.model());
            reply(marker, () -> Ordering.of(answer.ranked(), firstScores(), asked.unread(), asked.minScore()));
        }

        /** Whether there are hits that the pipeline's window would have had, and this search's has not. */
        private boolean isNarrowed() {
            if (plan.fetch() == null || plan.fetch().narrowedBy() == null) {
                return false;
            }
            if (plan.isWidened() == false) {
                return true; // those before the page
            }
            if (candidates.size() < plan.window()) {
                return false;
            }
            TotalHits all = new TotalHits(candidates.size(), TotalHits.Relation.EQUAL_TO);
            return all.equals(response.getHits().getTotalHits()) == false;
        }

        private void passThrough(String reason) {
            reply(Marker.passthrough(reason, tookMs()), () -> Ordering.unchanged(firstScores()));
        }

        private void failed(Throwable error) {
            Failure failure = Failure.of(error);
            if (failure.reason().equals(Failure.INTERNAL_ERROR)) {
                LOGGER.warn("a search was not reranked", error);
            } else {
                LOGGER.debug("a search was not reranked: " + failure.words(), error);
            }
            if (failsSearch()) {
                services.stats().add(Marker.passthrough(failure.reason(), tookMs()));
                listener.onFailure(asSearchError(failure));
            } else {
                passThrough(failure.reason());
            }
        }

        private Exception asSearchError(Failure failure) {
            String what = failure.reason().equals(Failure.NODE_BUSY)
                ? "this node has no time to fetch passages for reranking"
                : "jrerank endpoint [" + options.endpoint() + "] gave no answer to use";
            String message = String.format(Locale.ROOT, "%s: %s after %d ms", what, failure.reason(), tookMs());
            return new OpenSearchStatusException(message, RestStatus.SERVICE_UNAVAILABLE, failure);
        }

        /** Where failures are ignored the pipeline would go on with the widened response instead of the caller's page. */
        private boolean failsSearch() {
            boolean isIgnored = isIgnoreFailure() || request.source() != null && request.source().verbosePipeline();
            return options.failsSearch() && isIgnored == false;
        }

        private void reply(Marker marker, Supplier<List<Ranked>> order) {
            services.stats().add(marker);
            SearchResponse whole;
            try {
                whole = new Reply(response, plan, marker, asked.hitDetails(), bestPassages()).with(order.get());
            } catch (RuntimeException bug) {
                listener.onFailure(bug);
                return;
            }
            listener.onResponse(whole);
        }

        /** What a hit was scored by; null where that is all of its fields. */
        private Function<Ranked, String> bestPassages() {
            boolean isWhole = asked.passageFrom() == PassageFrom.FIELDS;
            return isWhole ? null : ranked -> {
                List<String> texts = candidates.get(ranked.index()).texts();
                return ranked.best() < texts.size() ? texts.get(ranked.best()) : null;
            };
        }

        private List<Float> firstScores() {
            return Arrays.stream(response.getHits().getHits()).map(SearchHit::getScore).toList();
        }

        private long tookMs() {
            return (System.nanoTime() - startNanos) / 1_000_000;
        }
    }
}
