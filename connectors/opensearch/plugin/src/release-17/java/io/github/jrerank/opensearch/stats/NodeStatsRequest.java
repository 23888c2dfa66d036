package io.github.jrerank.opensearch.stats;

import java.io.IOException;
import org.opensearch.core.common.io.stream.StreamInput;

/** What one node is asked: nothing but its counters. Its base class is all that differs between OpenSearch 2 and 3. */
@SuppressWarnings("deprecation") // there is no other in OpenSearch 2
public final class NodeStatsRequest extends org.opensearch.action.support.nodes.BaseNodeRequest {
    NodeStatsRequest() {}

    NodeStatsRequest(StreamInput in) throws IOException {
        super(in);
    }
}
