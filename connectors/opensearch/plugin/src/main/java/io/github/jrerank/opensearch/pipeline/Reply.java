package io.github.jrerank.opensearch.pipeline;

import io.github.jrerank.opensearch.ext.JrerankExt;
import io.github.jrerank.opensearch.answer.Marker;
import io.github.jrerank.opensearch.answer.Ordering;
import io.github.jrerank.opensearch.answer.Ranked;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.opensearch.action.search.SearchResponse;
import org.opensearch.common.xcontent.XContentHelper;
import org.opensearch.core.common.bytes.BytesReference;
import org.opensearch.core.xcontent.MediaType;
import org.opensearch.core.xcontent.XContentBuilder;
import org.opensearch.common.document.DocumentField;
import org.opensearch.search.SearchExtBuilder;
import org.opensearch.search.SearchHit;
import org.opensearch.search.SearchHits;
import org.opensearch.search.aggregations.InternalAggregations;
import org.opensearch.search.fetch.subphase.FetchSourceContext;
import org.opensearch.search.internal.InternalSearchResponse;
import org.opensearch.search.profile.SearchProfileShardResults;

/** A search's response with its hits in another order, the caller's page of them, and the marker. */
final class Reply {
    static final String HIT_FIELD = "_jrerank";

    private final SearchResponse response;
    private final Plan plan;
    private final Marker marker;
    private final boolean hitDetails;
    private final Function<Ranked, String> bestPassages;

    /** `bestPassages` gives what a scored hit was scored by, or is null where that is not shown. */
    Reply(SearchResponse response, Plan plan, Marker marker, boolean hitDetails, Function<Ranked, String> bestPassages) {
        this.response = response;
        this.plan = plan;
        this.marker = marker;
        this.hitDetails = hitDetails;
        this.bestPassages = bestPassages;
    }

    SearchResponse with(List<Ranked> order) {
        List<Ranked> page = isUncut() ? Ordering.page(order, plan.from(), plan.size()) : order;
        SearchHit[] old = response.getHits().getHits();
        SearchHit[] hits = new SearchHit[page.size()];
        for (int place = 0; place < hits.length; place++) {
            Ranked ranked = page.get(place);
            hits[place] = dressed(old[ranked.index()], ranked);
        }
        float maxScore = response.getHits().getMaxScore();
        if (marker.reranked() > 0) {
            maxScore = order.isEmpty() ? Float.NaN : order.get(0).score();
        }
        return whole(hits, collapseValues(page), maxScore);
    }

    private SearchHit dressed(SearchHit hit, Ranked ranked) {
        if (hitDetails) {
            hit.setDocumentField(HIT_FIELD, new DocumentField(HIT_FIELD, List.of(details(hit, ranked))));
        }
        if (plan.shown() != null) {
            hit.sourceRef(shown(hit.getSourceRef(), plan.shown()));
        }
        hit.score(ranked.score());
        return hit;
    }

    private Map<String, Object> details(SearchHit hit, Ranked ranked) {
        Map<String, Object> details = new LinkedHashMap<>(marker.asMap());
        details.put("query", plan.queryText());
        details.put("scored", ranked.isScored());
        details.put("first_score", Float.isFinite(hit.getScore()) ? hit.getScore() : null);
        details.put("first_rank", ranked.index() + 1 + (isUncut() ? 0 : plan.from()));
        if (bestPassages != null && ranked.isScored()) {
            details.put("best_passage", bestPassages.apply(ranked));
        }
        return details;
    }

    /** Whether the response has all hits from the first on; a search that is passed through was not widened. */
    private boolean isUncut() {
        return plan.isWidened() && plan.reason() == null;
    }

    private static BytesReference shown(BytesReference source, FetchSourceContext filter) {
        if (source == null || filter.fetchSource() == false) {
            return null;
        }
        try {
            var parsed = XContentHelper.convertToMap(source, false, (MediaType) null);
            try (XContentBuilder builder = XContentBuilder.builder(parsed.v1().xContent())) {
                return BytesReference.bytes(builder.value(filter.getFilter().apply(parsed.v2())));
            }
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    /** These run beside the hits. */
    private Object[] collapseValues(List<Ranked> page) {
        Object[] values = response.getHits().getCollapseValues();
        return values == null ? null : page.stream().map(ranked -> values[ranked.index()]).toArray();
    }

    private SearchResponse whole(SearchHit[] hits, Object[] collapseValues, float maxScore) {
        SearchHits old = response.getHits();
        SearchHits renewed = new SearchHits(
            hits,
            old.getTotalHits(),
            maxScore,
            old.getSortFields(),
            old.getCollapseField(),
            collapseValues
        );
        return new SearchResponse(
            sections(renewed),
            response.getScrollId(),
            response.getTotalShards(),
            response.getSuccessfulShards(),
            response.getSkippedShards(),
            response.getTook().millis(),
            response.getPhaseTook(),
            response.getShardFailures(),
            response.getClusters(),
            response.pointInTimeId()
        );
    }

    private InternalSearchResponse sections(SearchHits hits) {
        List<SearchExtBuilder> ext = new ArrayList<>(response.getInternalResponse().getSearchExtBuilders());
        ext.add(new JrerankExt(marker.asMap()));
        var profile = response.getProfileResults();
        return new InternalSearchResponse(
            hits,
            (InternalAggregations) response.getAggregations(),
            response.getSuggest(),
            profile.isEmpty() ? null : new SearchProfileShardResults(profile),
            response.isTimedOut(),
            response.isTerminatedEarly(),
            response.getNumReducePhases(),
            ext,
            response.getInternalResponse().getProcessorResult()
        );
    }
}
