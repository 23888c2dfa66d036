package io.github.jrerank.opensearch.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opensearch.common.settings.ClusterSettings;
import org.opensearch.common.settings.Settings;

class EndpointsTests {
    private static final String URLS = "jrerank.endpoint.main.urls";
    private final Settings settings = Settings.builder()
        .putList(URLS, "http://127.0.0.1:1")
        .setSecureSettings(new Secrets(Map.of("jrerank.endpoint.main.api_key", "secret")))
        .build();
    private final Endpoints endpoints = endpoints(settings);
    private final ClusterSettings cluster = new ClusterSettings(settings, Set.copyOf(EndpointSettings.all()));

    @TempDir
    private Path config;

    private List<String> hosts(String name) {
        return hosts(endpoints, name);
    }

    private static List<String> hosts(Endpoints endpoints, String name) {
        return endpoints.get(name).sidecars().stream().map(Sidecar::url).map(URI::getAuthority).collect(Collectors.toList());
    }

    @Test
    void addressesChangeWithTheClustersSettingsAndBack() {
        endpoints.follow(cluster);
        Endpoint first = endpoints.get("main");
        cluster.applySettings(Settings.builder().putList(URLS, "http://127.0.0.1:2", "http://127.0.0.1:3").build());
        assertEquals(List.of("127.0.0.1:2", "127.0.0.1:3"), hosts("main"));
        assertNotSame(first, endpoints.get("main"));
        cluster.applySettings(Settings.EMPTY);
        assertEquals(List.of("127.0.0.1:1"), hosts("main"));
    }

    @Test
    void aCallIsRefusedWhereNobodyWouldBeAsked() {
        assertEquals("unknown_endpoint", endpoints.refusal("elsewhere", "[books]"));
        assertNull(endpoints.refusal("main", "[books]"));
        Sidecar sidecar = endpoints.get("main").sidecars().get(0);
        for (int failure = 0; failure < 5; failure++) {
            sidecar.fail(new Failure(Failure.TIMEOUT), "[books]", true);
        }
        assertEquals("circuit_open", endpoints.refusal("main", "[books]"));
        assertNull(endpoints.refusal("main", "[titles]"), "other work");
    }

    @Test
    void oneOfSeveralIsEnoughForACall() {
        endpoints.changeUrls("main", List.of("http://127.0.0.1:2", "http://127.0.0.1:3"));
        for (int failure = 0; failure < 5; failure++) {
            endpoints.get("main").sidecars().get(0).fail(new Failure(Failure.UNREACHABLE), "[books]", true);
        }
        assertNull(endpoints.refusal("main", "[books]"));
    }

    @Test
    void aWrongKeyKeepsNoNodeFromStartingAndReplacesNoOther() {
        Endpoints keyless = endpoints(withKeys("s3cret\u200b", "spare"));
        assertEquals(List.of("", "spare"), keysOf(keyless));
        Endpoints keyed = endpoints(withKeys("old", "spare"));
        Settings wrong = withKeys("s3cret\u200b", "rotated");
        String message = assertThrows(IllegalArgumentException.class, () -> keyed.reloadApiKeys(wrong)).getMessage();
        assertTrue(message.startsWith("[jrerank.endpoint.main.api_key]"), message);
        assertEquals(List.of("old", "rotated"), keysOf(keyed));
    }

    private static List<String> keysOf(Endpoints endpoints) {
        return endpoints.all().stream().map(Endpoint::apiKey).toList();
    }

    private static Settings withKeys(String main, String spare) {
        return Settings.builder()
            .putList(URLS, "http://127.0.0.1:1")
            .putList("jrerank.endpoint.spare.urls", "http://127.0.0.1:2")
            .setSecureSettings(new Secrets(Map.of("jrerank.endpoint.main.api_key", main, "jrerank.endpoint.spare.api_key", spare)))
            .build();
    }

    private static Endpoints endpoints(Settings settings) {
        return new Endpoints(settings, new Node(Path.of("."), Runnable::run, (delay, command) -> null));
    }

    @Test
    void aChangeOfAddressesDoesNotReadTheAuthoritiesAgain() throws Exception {
        Path pem = Files.writeString(config.resolve("ca.pem"), anyAuthority());
        Endpoints secured = secured("main");
        Files.delete(pem);
        secured.changeUrls("main", List.of("https://127.0.0.1:2"));
        assertEquals(List.of("127.0.0.1:2"), hosts(secured, "main"));
    }

    /** Else the node could not apply this cluster state, nor any other. */
    @Test
    void aChangeThatFailsLeavesTheClustersSettingsToOthers() throws Exception {
        Endpoints secured = secured("spare");
        secured.follow(cluster);
        String spare = "jrerank.endpoint.spare.urls";
        cluster.applySettings(Settings.builder().putList(spare, "https://127.0.0.1:4").putList(URLS, "http://127.0.0.1:5").build());
        assertNull(secured.get("spare"));
        assertEquals(List.of("127.0.0.1:5"), hosts(secured, "main"));
        Files.writeString(config.resolve("ca.pem"), anyAuthority());
        cluster.applySettings(Settings.builder().putList(spare, "https://127.0.0.1:6").build());
        assertEquals(List.of("127.0.0.1:6"), hosts(secured, "spare"));
    }

    private Endpoints secured(String name) {
        Settings own = Settings.builder().put(settings, false).put("jrerank.endpoint." + name + ".certificate_authorities", "ca.pem").build();
        return new Endpoints(own, new Node(config, Runnable::run, (delay, command) -> null));
    }

    /** One that the JDK trusts. */
    private static String anyAuthority() throws GeneralSecurityException {
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init((KeyStore) null);
        byte[] authority = ((X509TrustManager) trust.getTrustManagers()[0]).getAcceptedIssuers()[0].getEncoded();
        return "-----BEGIN CERTIFICATE-----\n" + Base64.getMimeEncoder().encodeToString(authority) + "\n-----END CERTIFICATE-----\n";
    }

    @Test
    void anEndpointMayComeAndGo() {
        endpoints.follow(cluster);
        cluster.applySettings(Settings.builder().putList("jrerank.endpoint.spare.urls", "http://127.0.0.1:4").build());
        assertEquals(List.of("127.0.0.1:4"), hosts("spare"));
        cluster.applySettings(Settings.EMPTY);
        assertNull(endpoints.get("spare"));
        assertEquals(List.of("127.0.0.1:1"), hosts("main"));
    }
}
