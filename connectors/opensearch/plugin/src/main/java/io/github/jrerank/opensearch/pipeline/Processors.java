package io.github.jrerank.opensearch.pipeline;

import java.util.Map;
import org.opensearch.cluster.metadata.IndexNameExpressionResolver;
import org.opensearch.plugins.SearchPipelinePlugin.Parameters;
import org.opensearch.search.pipeline.Processor;
import org.opensearch.search.pipeline.SearchRequestProcessor;
import org.opensearch.search.pipeline.SearchResponseProcessor;

/** The processors by their names in a pipeline. */
public final class Processors {
    private Processors() {}

    public static Map<String, Processor.Factory<SearchRequestProcessor>> forRequests(Parameters node) {
        var resolver = new IndexNameExpressionResolver(node.threadContext);
        var limits = new IndexLimits(() -> node.searchPipelineService.getClusterService().state(), resolver);
        return Map.of(WindowProcessor.TYPE, new WindowProcessor.Factory(limits, new GroupSearches(node.threadContext)));
    }

    public static Map<String, Processor.Factory<SearchResponseProcessor>> forResponses(Services services) {
        return Map.of(RerankProcessor.TYPE, new RerankFactory(services));
    }
}
