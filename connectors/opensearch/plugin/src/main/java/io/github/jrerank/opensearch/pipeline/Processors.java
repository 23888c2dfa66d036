package io.github.jrerank.opensearch.pipeline;

import java.util.Map;
import org.opensearch.search.pipeline.Processor;
import org.opensearch.search.pipeline.SearchRequestProcessor;
import org.opensearch.search.pipeline.SearchResponseProcessor;

/** The processors by their names in a pipeline. */
public final class Processors {
    private Processors() {}

    public static Map<String, Processor.Factory<SearchRequestProcessor>> forRequests(Services services) {
        var factory = new WindowProcessor.Factory(
            services.limits(),
            services.origins(),
            services.plans(),
            services.node().executor(),
            services.costs()
        );
        return Map.of(WindowProcessor.TYPE, factory);
    }

    public static Map<String, Processor.Factory<SearchResponseProcessor>> forResponses(Services services) {
        return Map.of(RerankProcessor.TYPE, new RerankFactory(services));
    }
}
