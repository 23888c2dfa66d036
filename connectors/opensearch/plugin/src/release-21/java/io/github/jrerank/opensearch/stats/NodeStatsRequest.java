package io.github.jrerank.opensearch.stats;

import java.io.IOException;
import org.opensearch.transport.TransportRequest;
import org.opensearch.core.common.io.stream.StreamInput;

/** What one node is asked: nothing but its counters. Its base class is all that differs between OpenSearch 2 and 3. */
public final class NodeStatsRequest extends TransportRequest {
    NodeStatsRequest() {}

    NodeStatsRequest(StreamInput in) throws IOException {
        super(in);
    }
}
