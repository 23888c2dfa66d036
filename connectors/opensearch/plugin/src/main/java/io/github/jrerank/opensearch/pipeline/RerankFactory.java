package io.github.jrerank.opensearch.pipeline;

import java.util.Map;
import org.opensearch.ingest.ConfigurationUtils;
import org.opensearch.search.pipeline.Processor;
import org.opensearch.search.pipeline.SearchResponseProcessor;

/** Makes `jrerank` processors. */
final class RerankFactory implements Processor.Factory<SearchResponseProcessor> {
    private final Services services;

    RerankFactory(Services services) {
        this.services = services;
    }

    @Override
    public SearchResponseProcessor create(
        Map<String, Processor.Factory<SearchResponseProcessor>> others,
        String tag,
        String description,
        boolean ignoreFailure,
        Map<String, Object> config,
        Processor.PipelineContext context
    ) {
        Options options = Options.from(RerankProcessor.TYPE, tag, config);
        // a stored pipeline outlives a node's settings: refused where it is written, passed through where it is met
        boolean isStored = context.getPipelineSource() == Processor.PipelineSource.UPDATE_PIPELINE;
        if (isStored == false && services.endpoint(options.endpoint()) == null) {
            String message = "this node's settings have no jrerank.endpoint." + options.endpoint() + ".urls";
            throw ConfigurationUtils.newConfigurationException(RerankProcessor.TYPE, tag, "endpoint", message);
        }
        return new RerankProcessor(tag, description, ignoreFailure, options, services);
    }
}
