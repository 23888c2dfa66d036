package io.github.jrerank.opensearch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PackagesTests {
    private static final Path SOURCES = Path.of("src/main/java/io/github/jrerank/opensearch");
    private static final Pattern IMPORT = Pattern.compile("import io\\.github\\.jrerank\\.opensearch\\.(?:([a-z]+)\\.)?[A-Z]");

    @Test
    void formNoCircle() throws IOException {
        Map<String, Set<String>> left = imports();
        assertTrue(left.size() >= 8, "only " + left.keySet());
        while (left.isEmpty() == false) {
            List<String> free = left.entrySet().stream().filter(entry -> entry.getValue().isEmpty()).map(Map.Entry::getKey).toList();
            assertEquals(false, free.isEmpty(), "these packages know each other: " + left);
            left.keySet().removeAll(free);
            left.values().forEach(known -> known.removeAll(free));
        }
    }

    private static Map<String, Set<String>> imports() throws IOException {
        Map<String, Set<String>> imports = new TreeMap<>();
        try (Stream<Path> files = Files.walk(SOURCES)) {
            for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
                String name = SOURCES.relativize(file.getParent()).toString();
                Set<String> known = imports.computeIfAbsent(name, key -> new TreeSet<>());
                IMPORT.matcher(Files.readString(file)).results().map(match -> match.group(1) == null ? "" : match.group(1)).forEach(known::add);
                known.remove(name);
            }
        }
        return imports;
    }
}
