package io.github.jrerank.opensearch.client;

import java.net.URI;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.opensearch.common.settings.SecureSetting;
import org.opensearch.common.settings.Setting;
import org.opensearch.common.settings.Setting.AffixSetting;
import org.opensearch.common.settings.Setting.Property;
import org.opensearch.common.settings.Settings;
import org.opensearch.core.common.settings.SecureString;

/** Where this node may connect, `jrerank.endpoint.NAME.*`: the operator's, in opensearch.yml, in the cluster's settings and in the keystore. */
public record EndpointSettings(
    String name,
    List<URI> urls,
    String certificateAuthorities,
    int breakerFailures,
    int probeIntervalMs
) {
    private static final String PREFIX = "jrerank.endpoint.";

    static final AffixSetting<List<String>> URLS = affix(
        "urls",
        key -> Setting.listSetting(key, List.of(), EndpointSettings::checkedUrl, Property.NodeScope, Property.Dynamic)
    );
    static final AffixSetting<String> CERTIFICATE_AUTHORITIES = affix(
        "certificate_authorities",
        key -> Setting.simpleString(key, Property.NodeScope)
    );
    static final AffixSetting<SecureString> API_KEY = affix("api_key", key -> SecureSetting.secureString(key, null));
    static final AffixSetting<Integer> BREAKER_FAILURES = affix(
        "breaker.failures",
        key -> Setting.intSetting(key, 5, 1, Property.NodeScope)
    );
    static final AffixSetting<Integer> PROBE_INTERVAL_MS = affix(
        "breaker.probe_interval_ms",
        key -> Setting.intSetting(key, 1000, 10, Property.NodeScope)
    );

    public static List<Setting<?>> all() {
        return List.of(URLS, CERTIFICATE_AUTHORITIES, API_KEY, BREAKER_FAILURES, PROBE_INTERVAL_MS);
    }

    public static Set<String> names(Settings settings) {
        return URLS.getNamespaces(settings);
    }

    static Set<String> namesOfKeys(Settings settings) {
        return API_KEY.getNamespaces(settings);
    }

    public static EndpointSettings read(String name, Settings settings) {
        return new EndpointSettings(
            name,
            get(URLS, name, settings).stream().map(URI::create).toList(),
            get(CERTIFICATE_AUTHORITIES, name, settings),
            get(BREAKER_FAILURES, name, settings),
            get(PROBE_INTERVAL_MS, name, settings)
        );
    }

    /**
     * Without the line end that a key has which comes from a file.
     *
     * @throws IllegalArgumentException where no header can hold it; the key itself is not told
     */
    static String apiKey(String name, Settings settings) {
        try (SecureString secret = get(API_KEY, name, settings)) {
            String key = secret.toString().strip();
            if (key.chars().allMatch(EndpointSettings::isPrintableAscii)) {
                return key;
            }
        }
        String setting = API_KEY.getConcreteSettingForNamespace(name).getKey();
        throw new IllegalArgumentException("[" + setting + "] in the keystore has a character that is no printable ASCII");
    }

    private static boolean isPrintableAscii(int character) {
        return character >= ' ' && character <= '~';
    }

    private static <T> AffixSetting<T> affix(String suffix, Function<String, Setting<T>> setting) {
        return Setting.affixKeySetting(PREFIX, suffix, setting);
    }

    private static <T> T get(AffixSetting<T> setting, String name, Settings settings) {
        return setting.getConcreteSettingForNamespace(name).get(settings);
    }

    private static String checkedUrl(String text) {
        URI url = URI.create(text);
        boolean isHttp = "http".equals(url.getScheme()) || "https".equals(url.getScheme());
        if (isHttp == false || url.getHost() == null || url.getRawQuery() != null || url.getUserInfo() != null) {
            throw new IllegalArgumentException("not the base URL of a sidecar, such as http://127.0.0.1:8787: [" + text + "]");
        }
        return text;
    }
}
