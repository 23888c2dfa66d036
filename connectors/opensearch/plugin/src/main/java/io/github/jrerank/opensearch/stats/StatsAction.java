package io.github.jrerank.opensearch.stats;

import java.io.IOException;
import java.util.List;
import org.opensearch.action.ActionType;
import org.opensearch.action.FailedNodeException;
import org.opensearch.action.support.ActionFilters;
import org.opensearch.action.support.nodes.TransportNodesAction;
import org.opensearch.cluster.service.ClusterService;
import org.opensearch.common.inject.Inject;
import org.opensearch.core.common.io.stream.StreamInput;
import org.opensearch.threadpool.ThreadPool;
import org.opensearch.transport.TransportService;

/** Gathers the counters of all nodes. One without this plugin is among the failures. */
public final class StatsAction extends TransportNodesAction<StatsRequest, StatsResponse, NodeStatsRequest, NodeStatsResponse> {
    public static final ActionType<StatsResponse> TYPE = new ActionType<>("cluster:monitor/jrerank/stats", StatsResponse::new);

    private final NodeStats stats;

    @Inject
    public StatsAction(
        ThreadPool threads,
        ClusterService cluster,
        TransportService transport,
        ActionFilters filters,
        NodeStats stats
    ) {
        super(
            TYPE.name(),
            threads,
            cluster,
            transport,
            filters,
            StatsRequest::new,
            NodeStatsRequest::new,
            ThreadPool.Names.MANAGEMENT,
            NodeStatsResponse.class
        );
        this.stats = stats;
    }

    @Override
    protected StatsResponse newResponse(StatsRequest asked, List<NodeStatsResponse> nodes, List<FailedNodeException> failures) {
        return new StatsResponse(clusterService.getClusterName(), nodes, failures);
    }

    @Override
    protected NodeStatsRequest newNodeRequest(StatsRequest asked) {
        return new NodeStatsRequest();
    }

    @Override
    protected NodeStatsResponse newNodeResponse(StreamInput in) throws IOException {
        return new NodeStatsResponse(in);
    }

    @Override
    protected NodeStatsResponse nodeOperation(NodeStatsRequest asked) {
        return new NodeStatsResponse(clusterService.localNode(), stats.values());
    }
}
