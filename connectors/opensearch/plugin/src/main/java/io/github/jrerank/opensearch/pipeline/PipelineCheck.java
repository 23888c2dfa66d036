package io.github.jrerank.opensearch.pipeline;

import java.util.List;
import java.util.Map;
import org.opensearch.action.ActionRequest;
import org.opensearch.action.search.PutSearchPipelineRequest;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.action.support.ActionFilter;
import org.opensearch.action.support.ActionFilterChain;
import org.opensearch.common.xcontent.XContentHelper;
import org.opensearch.core.action.ActionListener;
import org.opensearch.core.action.ActionResponse;
import org.opensearch.core.xcontent.MediaType;
import org.opensearch.tasks.Task;

/** Refuses pipelines whose processors don't go together, which no processor's own factory can see. */
public final class PipelineCheck implements ActionFilter {
    @Override
    public int order() {
        return 0;
    }

    @Override
    public <Q extends ActionRequest, R extends ActionResponse> void apply(
        Task task,
        String action,
        Q request,
        ActionListener<R> listener,
        ActionFilterChain<Q, R> chain
    ) {
        String problem = problemOf(pipelineIn(request));
        if (problem == null) {
            chain.proceed(task, action, request, listener);
        } else {
            listener.onFailure(new IllegalArgumentException(problem));
        }
    }

    private static Map<String, Object> pipelineIn(ActionRequest request) {
        try {
            if (request instanceof PutSearchPipelineRequest put) {
                return XContentHelper.convertToMap(put.getSource(), false, (MediaType) null).v2();
            }
        } catch (RuntimeException unreadable) {
            return null; // OpenSearch itself will say so
        }
        return request instanceof SearchRequest search && search.source() != null ? search.source().searchPipelineSource() : null;
    }

    static String problemOf(Map<String, Object> pipeline) {
        if (pipeline == null || has(pipeline, "request_processors", WindowProcessor.TYPE) == false) {
            return null;
        }
        return has(pipeline, "response_processors", RerankProcessor.TYPE)
            ? null
            : "jrerank_window widens a search, and the caller's page has to be cut from it: put jrerank among the response_processors";
    }

    private static boolean has(Map<String, Object> pipeline, String side, String type) {
        return pipeline.get(side) instanceof List<?> processors
            && processors.stream().anyMatch(processor -> processor instanceof Map<?, ?> map && map.containsKey(type));
    }
}
