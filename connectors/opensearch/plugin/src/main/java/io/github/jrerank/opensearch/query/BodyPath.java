package io.github.jrerank.opensearch.query;

import java.util.List;
import java.util.Map;

/**
 * A dotted path into a search body, such as `query.bool.must.0.match.title.query`.
 *
 * A key may hold dots itself; the shorthand `{"match": {"title": "text"}}` is met by the path of the long form, and a
 * lone object by the path of a list of one.
 */
public final class BodyPath {
    private final List<String> parts;

    private BodyPath(List<String> parts) {
        this.parts = parts;
    }

    public static BodyPath of(String dotted) {
        return new BodyPath(List.of(dotted.split("\\.")));
    }

    /** Null where there is nothing. */
    public Object read(Object body) {
        return read(body, parts);
    }

    private static Object read(Object value, List<String> path) {
        if (value instanceof Map<?, ?> map) {
            return readKey(map, path);
        }
        if (value instanceof List<?> list) {
            return readItem(list, path);
        }
        boolean isWhole = path.isEmpty() || path.equals(List.of("query"));
        return isWhole ? value : null;
    }

    private static Object readKey(Map<?, ?> map, List<String> path) {
        for (int length = 1; length <= path.size(); length++) {
            Object value = map.get(String.join(".", path.subList(0, length)));
            Object found = value == null ? null : read(value, path.subList(length, path.size()));
            if (found != null) {
                return found;
            }
        }
        boolean isListOfOne = path.isEmpty() == false && path.get(0).equals("0");
        return isListOfOne ? readKey(map, path.subList(1, path.size())) : null;
    }

    private static Object readItem(List<?> list, List<String> path) {
        if (path.isEmpty() || path.get(0).matches("\\d{1,6}") == false) {
            return null;
        }
        int index = Integer.parseInt(path.get(0));
        return index < list.size() ? read(list.get(index), path.subList(1, path.size())) : null;
    }
}
