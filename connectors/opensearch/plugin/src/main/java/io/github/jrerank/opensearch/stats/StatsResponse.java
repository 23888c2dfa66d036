package io.github.jrerank.opensearch.stats;

import java.io.IOException;
import java.util.List;
import org.opensearch.action.FailedNodeException;
import org.opensearch.action.support.nodes.BaseNodesResponse;
import org.opensearch.cluster.ClusterName;
import org.opensearch.core.common.io.stream.StreamInput;
import org.opensearch.core.common.io.stream.StreamOutput;
import org.opensearch.core.xcontent.ToXContentFragment;
import org.opensearch.core.xcontent.XContentBuilder;

/** The counters of the nodes that have answered. */
public final class StatsResponse extends BaseNodesResponse<NodeStatsResponse> implements ToXContentFragment {
    StatsResponse(ClusterName cluster, List<NodeStatsResponse> nodes, List<FailedNodeException> failures) {
        super(cluster, nodes, failures);
    }

    StatsResponse(StreamInput in) throws IOException {
        super(in);
    }

    @Override
    protected List<NodeStatsResponse> readNodesFrom(StreamInput in) throws IOException {
        return in.readList(NodeStatsResponse::new);
    }

    @Override
    protected void writeNodesTo(StreamOutput out, List<NodeStatsResponse> nodes) throws IOException {
        out.writeList(nodes);
    }

    @Override
    public XContentBuilder toXContent(XContentBuilder json, Params params) throws IOException {
        json.startObject("nodes");
        for (NodeStatsResponse node : getNodes()) {
            json.startObject(node.getNode().getId()).field("name", node.getNode().getName());
            json.mapContents(node.values()).endObject();
        }
        return json.endObject();
    }
}
