package io.github.jrerank.opensearch.pipeline;

import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import org.opensearch.search.pipeline.PipelineProcessingContext;

/**
 * The plans of the searches under way, each made once and used once, whatever number of our processors a pipeline has.
 *
 * They are kept beside the pipeline's context and not in it: OpenSearch writes all that is in there into `template` queries.
 */
final class Plans {
    private final Map<PipelineProcessingContext, Plan> bySearch = Collections.synchronizedMap(new WeakHashMap<>());

    boolean has(PipelineProcessingContext context) {
        return bySearch.containsKey(context);
    }

    void keep(PipelineProcessingContext context, Plan plan) {
        bySearch.putIfAbsent(context, plan);
    }

    /** Null where no `jrerank_window` came before; the search is left alone from now on. */
    Plan take(PipelineProcessingContext context) {
        return bySearch.put(context, Plan.LEFT_ALONE);
    }
}
