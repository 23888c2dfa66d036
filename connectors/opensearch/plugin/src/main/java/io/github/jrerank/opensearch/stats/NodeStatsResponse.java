package io.github.jrerank.opensearch.stats;

import java.io.IOException;
import java.util.Map;
import org.opensearch.action.support.nodes.BaseNodeResponse;
import org.opensearch.cluster.node.DiscoveryNode;
import org.opensearch.core.common.io.stream.StreamInput;
import org.opensearch.core.common.io.stream.StreamOutput;

/** One node's counters. */
public final class NodeStatsResponse extends BaseNodeResponse {
    private final Map<String, Object> values;

    NodeStatsResponse(DiscoveryNode node, Map<String, Object> values) {
        super(node);
        this.values = values;
    }

    NodeStatsResponse(StreamInput in) throws IOException {
        super(in);
        this.values = in.readMap();
    }

    Map<String, Object> values() {
        return values;
    }

    @Override
    public void writeTo(StreamOutput out) throws IOException {
        super.writeTo(out);
        out.writeMap(values);
    }
}
