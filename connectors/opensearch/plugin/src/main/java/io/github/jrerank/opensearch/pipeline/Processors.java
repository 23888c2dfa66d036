package io.github.jrerank.opensearch.pipeline;

import java.util.Map;
import org.opensearch.search.pipeline.Processor;
import org.opensearch.search.pipeline.SearchRequestProcessor;
import org.opensearch.search.pipeline.SearchResponseProcessor;

/** The processors by their names in a pipeline. */
public final class Processors {
    private Processors() {}

    public static Map<String, Processor.Factory<SearchRequestProcessor>> forRequests(Services services) {
        return Map.of(WindowProcessor.TYPE, new WindowProcessor.Factory(services));
    }

    public static Map<String, Processor.Factory<SearchResponseProcessor>> forResponses(Services services) {
        return Map.of(RerankProcessor.TYPE, new RerankFactory(services));
    }
}
