package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.jrerank.opensearch.Vectors;
import io.github.jrerank.opensearch.Vectors.Case;
import io.github.jrerank.opensearch.ext.OptionChecks;
import io.github.jrerank.opensearch.origin.SearchOrigins;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.common.unit.TimeValue;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.search.fetch.subphase.FetchSourceContext;
import org.opensearch.search.pipeline.PipelineProcessingContext;

class PlanVectorTests {
    @TestFactory
    Stream<DynamicTest> plan() {
        return Vectors.each("plan.json", one -> {
            SearchSourceBuilder search = one.body();
            var context = new PipelineProcessingContext();
            Plans plans = new Plans();
            SearchSourceBuilder asked = processor(one, plans).processRequest(request(one, search), context).source();
            Map<?, ?> expected = (Map<?, ?>) one.expected();
            assertEquals(expected.get("reason"), plans.take(context).reason());
            assertEquals(expected.get("asked"), asked == search ? null : asMap(search, asked));
        });
    }

    private static SearchRequest request(Case one, SearchSourceBuilder search) {
        SearchRequest request = new SearchRequest(one.get("index") == null ? "docs" : one.text("index")).source(search);
        return one.get("scroll") == null ? request : request.scroll(TimeValue.timeValueMinutes(1));
    }

    private static WindowProcessor processor(Case one, Plans plans) {
        Reading reading = new Reading(one.get("passage_fields"), null);
        var costs = new FetchCosts(System::nanoTime);
        int window = one.number("window");
        var budget = new FetchBudget(1, System::nanoTime);
        var services = new Services(null, null, null, null, limits(one), new SearchOrigins(), plans, costs, budget);
        return new WindowProcessor(null, null, false, reading, window, 500, services);
    }

    private static IndexLimits limits(Case one) {
        return new IndexLimits(null, null) {
            @Override
            Of of(SearchRequest request) {
                return new Of(List.of()) {
                    @Override
                    int maxResultWindow() {
                        return one.get("max_result_window") == null ? OptionChecks.MAX_WINDOW : one.number("max_result_window");
                    }

                    @Override
                    boolean isSourceless() {
                        return Boolean.FALSE.equals(one.get("keeps_source"));
                    }
                };
            }
        };
    }

    private static Map<String, Object> asMap(SearchSourceBuilder search, SearchSourceBuilder asked) {
        Map<String, Object> map = new LinkedHashMap<>(Map.of("from", asked.from(), "size", asked.size()));
        FetchSourceContext source = asked.fetchSource();
        map.put("_source", source == search.fetchSource() ? null : asMap(source));
        return map;
    }

    private static Map<String, List<String>> asMap(FetchSourceContext source) {
        return Map.of("includes", Arrays.asList(source.includes()), "excludes", Arrays.asList(source.excludes()));
    }
}
