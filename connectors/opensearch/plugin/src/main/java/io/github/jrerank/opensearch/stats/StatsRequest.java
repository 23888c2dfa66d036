package io.github.jrerank.opensearch.stats;

import java.io.IOException;
import org.opensearch.action.support.nodes.BaseNodesRequest;
import org.opensearch.common.unit.TimeValue;
import org.opensearch.core.common.Strings;
import org.opensearch.core.common.io.stream.StreamInput;
import org.opensearch.rest.RestRequest;

/** Asks nodes for their counters, all of them by default. */
public final class StatsRequest extends BaseNodesRequest<StatsRequest> {
    private static final TimeValue TIMEOUT = TimeValue.timeValueSeconds(10);

    private StatsRequest(String... nodes) {
        super(nodes);
    }

    StatsRequest(StreamInput in) throws IOException {
        super(in);
    }

    static StatsRequest of(RestRequest request) {
        StatsRequest asked = new StatsRequest(Strings.splitStringByCommaToArray(request.param("node")));
        return asked.timeout(request.paramAsTime("timeout", TIMEOUT));
    }
}
