package io.github.jrerank.opensearch.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opensearch.common.settings.Settings;

class EndpointSettingsTests {
    private static EndpointSettings read(String... urls) {
        return EndpointSettings.read("main", Settings.builder().putList("jrerank.endpoint.main.urls", urls).build());
    }

    @Test
    void hasDefaultsForAllButTheUrls() {
        EndpointSettings settings = read("http://127.0.0.1:8787", "https://sidecar/jrerank");
        assertEquals(List.of(URI.create("http://127.0.0.1:8787"), URI.create("https://sidecar/jrerank")), settings.urls());
        assertEquals("", settings.certificateAuthorities());
        assertEquals(5, settings.breakerFailures());
        assertEquals(1000, settings.probeIntervalMs());
    }

    private static String apiKey(String inKeystore) {
        var secrets = new Secrets(Map.of("jrerank.endpoint.main.api_key", inKeystore));
        return EndpointSettings.apiKey("main", Settings.builder().setSecureSettings(secrets).build());
    }

    @Test
    void aKeyFromAFileHasALineEnd() {
        assertEquals("s3cret key", apiKey(" s3cret key\r\n"));
    }

    @ParameterizedTest
    @ValueSource(strings = { "s3cret\u200b", "s3\ncret", "s3cret鍵", "\u007fs3cret", "\ufeffs3cret" })
    void aKeyThatNoHeaderHoldsIsRefusedAndNotShown(String key) {
        String message = assertThrows(IllegalArgumentException.class, () -> apiKey(key)).getMessage();
        assertTrue(message.contains("[jrerank.endpoint.main.api_key]"), message);
        assertFalse(message.contains("s3") || message.contains("cret"), message);
    }

    @ParameterizedTest
    @ValueSource(strings = { "127.0.0.1:8787", "ftp://host", "http://", "http://user:secret@host", "http://host/?key=secret" })
    void refusesWhatIsNoBaseUrl(String url) {
        assertThrows(IllegalArgumentException.class, () -> read(url));
    }
}
