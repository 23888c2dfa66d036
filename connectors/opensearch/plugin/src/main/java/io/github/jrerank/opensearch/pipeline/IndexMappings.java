package io.github.jrerank.opensearch.pipeline;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.opensearch.cluster.metadata.IndexMetadata;
import org.opensearch.cluster.metadata.MappingMetadata;
import org.opensearch.common.compress.CompressedXContent;

/**
 * What mappings say, each read once: parsing one takes a millisecond for some hundred fields. They are known by their text, so that
 * indexes with the same mapping, such as those of each day, share it.
 */
final class IndexMappings {
    static final int MAX_KNOWN = 2_000;
    /** A search waits for so many; the next one for others. */
    static final int MAX_READ_PER_SEARCH = 100;
    /** A filter on `_source` is an error where none is kept, so that this has to be expected. */
    static final Facts UNKNOWN = new Facts(false, Map.of());

    /** `types` by dotted path, a sub-field's below its field's. */
    record Facts(boolean keepsSource, Map<String, String> types) {}

    /** The one that was asked for longest ago goes first. */
    private final Map<CompressedXContent, Facts> known = Collections.synchronizedMap(new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<CompressedXContent, Facts> eldest) {
            return size() > MAX_KNOWN;
        }
    });

    /** What the different mappings of one search's indexes say, in their order. */
    List<Facts> of(Collection<IndexMetadata> indexes) {
        List<Facts> facts = new ArrayList<>();
        int read = 0;
        for (MappingMetadata mapping : different(indexes)) {
            Facts found = known.get(mapping.source());
            if (found == null && read < MAX_READ_PER_SEARCH) {
                read++;
                found = factsOf(mapping.sourceAsMap());
                known.put(mapping.source(), found);
            }
            facts.add(found == null ? UNKNOWN : found);
        }
        return facts;
    }

    private static Collection<MappingMetadata> different(Collection<IndexMetadata> indexes) {
        Map<CompressedXContent, MappingMetadata> bySource = new LinkedHashMap<>();
        for (IndexMetadata index : indexes) {
            if (index.mapping() != null) {
                bySource.putIfAbsent(index.mapping().source(), index.mapping());
            }
        }
        return bySource.values();
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
