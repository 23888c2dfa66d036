package io.github.jrerank.opensearch.stats;

import java.io.IOException;
import org.opensearch.core.xcontent.ToXContentObject;
import org.opensearch.client.node.NodeClient;
import org.opensearch.core.rest.RestStatus;
import org.opensearch.rest.BaseRestHandler;
import org.opensearch.rest.BytesRestResponse;
import org.opensearch.rest.RestRequest;

/** Answers a REST request from this node alone. NodeClient's package is all that differs between OpenSearch 2 and 3. */
abstract class LocalHandler extends BaseRestHandler {
    abstract ToXContentObject answer();

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) throws IOException {
        return channel -> channel.sendResponse(
            new BytesRestResponse(RestStatus.OK, answer().toXContent(channel.newBuilder(), request))
        );
    }
}
