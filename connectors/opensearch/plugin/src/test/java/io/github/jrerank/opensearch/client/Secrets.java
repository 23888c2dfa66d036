package io.github.jrerank.opensearch.client;

import java.io.InputStream;
import java.util.Map;
import java.util.Set;
import org.opensearch.common.settings.SecureSettings;
import org.opensearch.core.common.settings.SecureString;

/** A keystore that holds what it is given. */
record Secrets(Map<String, String> values) implements SecureSettings {
    @Override
    public boolean isLoaded() {
        return true;
    }

    @Override
    public Set<String> getSettingNames() {
        return values.keySet();
    }

    @Override
    public SecureString getString(String setting) {
        return new SecureString(values.get(setting).toCharArray());
    }

    @Override
    public InputStream getFile(String setting) {
        throw new UnsupportedOperationException("no files in here");
    }

    @Override
    public byte[] getSHA256Digest(String setting) {
        return new byte[0];
    }

    @Override
    public void close() {
        // nothing is held
    }
}
