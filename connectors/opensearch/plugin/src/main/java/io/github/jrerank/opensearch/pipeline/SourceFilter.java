package io.github.jrerank.opensearch.pipeline;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.search.fetch.StoredFieldsContext;
import org.opensearch.search.fetch.subphase.FetchSourceContext;

/** Which part of a document is fetched so that its passage can be read, and which part of that the caller sees. */
public final class SourceFilter {
    private SourceFilter() {}

    /** What the caller asked for, with OpenSearch's own defaults. */
    public static FetchSourceContext shown(SearchSourceBuilder search) {
        FetchSourceContext asked = search.fetchSource();
        StoredFieldsContext stored = search.storedFields();
        if (stored != null && stored.fetchFields() && stored.fieldNames().contains("_source")) {
            return asked == null ? FetchSourceContext.FETCH_SOURCE : new FetchSourceContext(true, asked.includes(), asked.excludes());
        }
        if (asked != null) {
            return asked;
        }
        boolean hasScripts = search.scriptFields() != null && search.scriptFields().isEmpty() == false;
        return stored == null && hasScripts == false ? FetchSourceContext.FETCH_SOURCE : FetchSourceContext.DO_NOT_FETCH_SOURCE;
    }

    /** Whether the filter leaves every one of the fields in. */
    public static boolean leavesIn(FetchSourceContext filter, List<String> fields) {
        return fields.isEmpty() || filter.fetchSource() && fields.stream().allMatch(field -> leavesIn(filter, field));
    }

    private static boolean leavesIn(FetchSourceContext filter, String field) {
        Map<String, Object> kept = filter.getFilter().apply(documentWith(field));
        return Passage.of(kept, List.of(field)) != null;
    }

    /** The caller's filter, opened for the fields; excludes that don't touch them stay (a vector is dear to fetch). */
    public static FetchSourceContext opened(FetchSourceContext filter, List<String> fields) {
        if (filter.fetchSource() == false) {
            return new FetchSourceContext(true, fields.toArray(String[]::new), null);
        }
        String[] excludes = Arrays.stream(filter.excludes())
            .filter(exclude -> leavesIn(new FetchSourceContext(true, null, new String[] { exclude }), fields))
            .toArray(String[]::new);
        return new FetchSourceContext(true, union(filter.includes(), fields), excludes);
    }

    private static String[] union(String[] includes, List<String> fields) {
        if (includes.length == 0) {
            return includes;
        }
        Set<String> union = new LinkedHashSet<>(new ArrayList<>(Arrays.asList(includes)));
        union.addAll(fields);
        return union.toArray(String[]::new);
    }

    private static Map<String, Object> documentWith(String field) {
        int dot = field.indexOf('.');
        return dot < 0 ? Map.of(field, "text") : Map.of(field.substring(0, dot), documentWith(field.substring(dot + 1)));
    }
}
