package io.github.jrerank.opensearch.stats;

import org.opensearch.core.action.ActionListener;
import org.opensearch.rest.BaseRestHandler;
import org.opensearch.rest.RestChannel;
import org.opensearch.rest.RestRequest;
import org.opensearch.client.node.NodeClient;

/** Asks the nodes that a REST request names. NodeClient's package is all that differs between OpenSearch 2 and 3. */
abstract class NodesHandler extends BaseRestHandler {
    abstract ActionListener<StatsResponse> answer(RestChannel channel);

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
        StatsRequest asked = StatsRequest.of(request);
        return channel -> client.execute(StatsAction.TYPE, asked, answer(channel));
    }
}
