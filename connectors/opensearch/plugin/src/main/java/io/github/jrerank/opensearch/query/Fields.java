package io.github.jrerank.opensearch.query;

import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/** Which fields of the searched indexes hold text that a person reads; `types` gives a mapping's type, or null. */
public record Fields(List<String> passageFields, Function<String, String> types) {
    private static final Set<String> TEXT_TYPES = Set.of(
        "text", "match_only_text", "search_as_you_type", "annotated_text", "semantic", "semantic_text"
    );

    /** A sub-field of a passage field is the same text, unless its type says otherwise. */
    FieldKind kind(String name) {
        FieldKind kind = byType(name);
        if (kind == FieldKind.OTHER && passageFields.contains(name) == false) {
            return kind;
        }
        boolean isPassage = passageFields.stream().anyMatch(field -> name.equals(field) || name.startsWith(field + "."));
        return isPassage ? FieldKind.PASSAGE : kind;
    }

    /** The kind of a query on several fields, each with a boost or without; on all fields where none is named. */
    FieldKind likeliest(List<?> names) {
        return names.stream()
            .filter(String.class::isInstance)
            .map(name -> kind(((String) name).split("\\^", 2)[0]))
            .min(Comparator.naturalOrder())
            .orElse(FieldKind.TEXT);
    }

    private FieldKind byType(String name) {
        if (name.startsWith("_")) {
            return FieldKind.OTHER; // such as _id: an engine's own
        }
        String type = types.apply(name);
        if (type == null) {
            return FieldKind.UNKNOWN;
        }
        return TEXT_TYPES.contains(type) ? FieldKind.TEXT : FieldKind.OTHER;
    }
}
