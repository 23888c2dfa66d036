package io.github.jrerank.opensearch;

import io.github.jrerank.opensearch.client.EndpointSettings;
import io.github.jrerank.opensearch.client.Endpoints;
import io.github.jrerank.opensearch.client.Node;
import io.github.jrerank.opensearch.ext.JrerankExt;
import io.github.jrerank.opensearch.origin.SearchOrigins;
import io.github.jrerank.opensearch.pipeline.PipelineCheck;
import io.github.jrerank.opensearch.pipeline.Processors;
import io.github.jrerank.opensearch.pipeline.Services;
import io.github.jrerank.opensearch.stats.MetricsHandler;
import io.github.jrerank.opensearch.stats.NodeStats;
import io.github.jrerank.opensearch.stats.SearchStats;
import io.github.jrerank.opensearch.stats.StatsAction;
import io.github.jrerank.opensearch.stats.StatsHandler;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.opensearch.action.ActionRequest;
import org.opensearch.action.support.ActionFilter;
import org.opensearch.cluster.metadata.IndexNameExpressionResolver;
import org.opensearch.cluster.node.DiscoveryNodes;
import org.opensearch.common.inject.Module;
import org.opensearch.common.settings.ClusterSettings;
import org.opensearch.common.settings.IndexScopedSettings;
import org.opensearch.common.settings.Setting;
import org.opensearch.common.settings.Settings;
import org.opensearch.common.settings.SettingsFilter;
import org.opensearch.common.util.concurrent.OpenSearchExecutors;
import org.opensearch.core.action.ActionResponse;
import org.opensearch.plugins.ActionPlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.plugins.ReloadablePlugin;
import org.opensearch.plugins.SearchPipelinePlugin;
import org.opensearch.plugins.SearchPlugin;
import org.opensearch.rest.RestController;
import org.opensearch.rest.RestHandler;
import org.opensearch.rest.RestHeaderDefinition;
import org.opensearch.search.pipeline.Processor;
import org.opensearch.search.pipeline.SearchRequestProcessor;
import org.opensearch.search.pipeline.SearchResponseProcessor;

/** Reranking in a search pipeline: `jrerank_window` before the search, `jrerank` after it. */
public final class JrerankPlugin extends Plugin implements SearchPipelinePlugin, SearchPlugin, ActionPlugin, ReloadablePlugin {
    private final Settings settings;
    private final Path config;
    private final SearchStats stats = new SearchStats();
    private final SearchOrigins origins = new SearchOrigins();
    private volatile Endpoints endpoints;
    private Services services;

    public JrerankPlugin(Settings settings, Path config) {
        this.settings = settings;
        this.config = config;
    }

    @Override
    public List<Setting<?>> getSettings() {
        return EndpointSettings.all();
    }

    @Override
    public Map<String, Processor.Factory<SearchRequestProcessor>> getRequestProcessors(Parameters parameters) {
        return Processors.forRequests(services(parameters));
    }

    @Override
    public Map<String, Processor.Factory<SearchResponseProcessor>> getResponseProcessors(Parameters parameters) {
        return Processors.forResponses(services(parameters));
    }

    private synchronized Services services(Parameters parameters) {
        if (services == null) {
            Node node = new Node(config, parameters.genericExecutor, parameters.scheduler);
            endpoints = new Endpoints(settings, node);
            endpoints.follow(parameters.searchPipelineService.getClusterService().getClusterSettings());
            origins.begin(parameters.threadContext, () -> parameters.searchPipelineService.getClusterService().state().nodes());
            services = Services.of(parameters, OpenSearchExecutors.allocatedProcessors(settings), endpoints, stats, node, origins);
        }
        return services;
    }

    @Override
    public List<ActionFilter> getActionFilters() {
        return List.of(new PipelineCheck(), origins);
    }

    /** So that a search's trace goes on in the sidecar; X-Opaque-Id is OpenSearch's own. */
    @Override
    public Collection<RestHeaderDefinition> getRestHeaders() {
        return List.of(new RestHeaderDefinition("traceparent", false));
    }

    @Override
    public List<SearchExtSpec<?>> getSearchExts() {
        return List.of(new SearchExtSpec<>(JrerankExt.NAME, JrerankExt::new, JrerankExt::parse));
    }

    @Override
    public List<RestHandler> getRestHandlers(
        Settings nodeSettings,
        RestController controller,
        ClusterSettings clusterSettings,
        IndexScopedSettings indexScopedSettings,
        SettingsFilter settingsFilter,
        IndexNameExpressionResolver resolver,
        Supplier<DiscoveryNodes> nodes
    ) {
        return List.of(new StatsHandler(), new MetricsHandler());
    }

    @Override
    public List<ActionHandler<? extends ActionRequest, ? extends ActionResponse>> getActions() {
        return List.of(new ActionHandler<>(StatsAction.TYPE, StatsAction.class));
    }

    /** What `StatsAction` is made with. */
    @Override
    public Collection<Module> createGuiceModules() {
        return List.of(binder -> binder.bind(NodeStats.class).toInstance(new NodeStats(() -> endpoints, stats)));
    }

    @Override
    public void reload(Settings withSecrets) {
        endpoints.reloadApiKeys(withSecrets);
    }
}
