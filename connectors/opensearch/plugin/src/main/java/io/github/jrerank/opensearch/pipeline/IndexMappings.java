package io.github.jrerank.opensearch.pipeline;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.opensearch.cluster.metadata.IndexMetadata;

/** What mappings say, read once for each version of an index's mapping: parsing one takes a millisecond for some hundred fields. */
final class IndexMappings {
    private static final int MAX_INDEXES = 2_000;

    /** `types` by dotted path, a sub-field's below its field's. */
    record Facts(boolean keepsSource, Map<String, String> types) {}

    private record Known(long version, Facts facts) {}

    private final Map<String, Known> byIndex = new ConcurrentHashMap<>();

    Facts of(IndexMetadata index) {
        Known known = byIndex.get(index.getIndexUUID());
        if (known == null || known.version() != index.getMappingVersion()) {
            known = new Known(index.getMappingVersion(), read(index));
            if (byIndex.size() >= MAX_INDEXES) {
                byIndex.clear();
            }
            byIndex.put(index.getIndexUUID(), known);
        }
        return known.facts();
    }

    private static Facts read(IndexMetadata index) {
        return index.mapping() == null ? new Facts(true, Map.of()) : factsOf(index.mapping().sourceAsMap());
    }

    static Facts factsOf(Map<String, Object> mapping) {
        boolean isSourceless = mapping.get("_source") instanceof Map<?, ?> map && "false".equals(String.valueOf(map.get("enabled")));
        Map<String, String> types = new HashMap<>();
        Map<String, String> aliases = new HashMap<>();
        addTypes("", mapping.get("properties"), types, aliases);
        aliases.forEach((alias, path) -> types.computeIfAbsent(alias, key -> types.get(path)));
        return new Facts(isSourceless == false, types);
    }

    private static void addTypes(String prefix, Object properties, Map<String, String> types, Map<String, String> aliases) {
        if (properties instanceof Map<?, ?> map) {
            map.forEach((name, field) -> addType(prefix + name, field, types, aliases));
        }
    }

    private static void addType(String path, Object field, Map<String, String> types, Map<String, String> aliases) {
        if (field instanceof Map<?, ?> map) {
            if ("alias".equals(map.get("type"))) {
                aliases.put(path, String.valueOf(map.get("path")));
            } else if (map.get("type") instanceof String type) {
                types.put(path, type);
            }
            addTypes(path + ".", map.get("properties"), types, aliases);
            addTypes(path + ".", map.get("fields"), types, aliases);
        }
    }
}
