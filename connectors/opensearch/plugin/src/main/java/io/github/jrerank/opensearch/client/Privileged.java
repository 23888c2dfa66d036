package io.github.jrerank.opensearch.client;

import java.security.AccessController;
import java.security.PrivilegedAction;
import java.util.function.Supplier;

/** OpenSearch 2.19's security manager asks every frame on the stack; the plugin's own permissions are enough. */
@SuppressWarnings({ "removal", "deprecation" })
final class Privileged {
    private Privileged() {}

    static <T> T run(Supplier<T> action) {
        return AccessController.doPrivileged((PrivilegedAction<T>) action::get);
    }
}
