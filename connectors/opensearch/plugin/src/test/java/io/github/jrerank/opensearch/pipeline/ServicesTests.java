package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.opensearch.common.settings.Settings;
import org.opensearch.common.util.concurrent.ThreadContext;

class ServicesTests {
    @Test
    void aHeaderGoesAlongUnlessItIsTooLong() {
        ThreadContext context = new ThreadContext(Settings.EMPTY);
        context.putHeader(Map.of("X-Opaque-Id", "search-1", "traceparent", "t".repeat(1_025), "other", "x"));
        Services services = new Services(null, null, null, context, null, null, null, null, null);
        assertEquals(Map.of("x-request-id", "search-1"), services.forwardedHeaders());
    }
}
