package io.github.jrerank.opensearch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.opensearch.common.settings.Settings;
import org.opensearch.common.xcontent.XContentFactory;
import org.opensearch.common.xcontent.json.JsonXContent;
import org.opensearch.core.common.bytes.BytesReference;
import org.opensearch.core.xcontent.DeprecationHandler;
import org.opensearch.core.xcontent.NamedXContentRegistry;
import org.opensearch.core.xcontent.XContentBuilder;
import org.opensearch.core.xcontent.XContentParser;
import org.opensearch.search.SearchModule;
import org.opensearch.search.builder.SearchSourceBuilder;

/** The cases of `tests/vectors`, which the search door's tests run too. */
public final class Vectors {
    private static final Path FOLDER = Path.of(System.getProperty("jrerank.vectors"));
    private static final NamedXContentRegistry REGISTRY = new NamedXContentRegistry(
        new SearchModule(Settings.EMPTY, List.of(new JrerankPlugin(Settings.EMPTY, Path.of(".")))).getNamedXContents()
    );

    private Vectors() {}

    /** One case; `input` is never without the key that is asked for unless the case leaves it out. */
    public record Case(String name, Map<String, Object> input, Object expected) {
        public int number(String key) {
            return (Integer) input.get(key);
        }

        public String text(String key) {
            return (String) input.get(key);
        }

        @SuppressWarnings("unchecked")
        public <T> T get(String key) {
            return (T) input.get(key);
        }

        public SearchSourceBuilder body() {
            return search(get("body"));
        }
    }

    public static Stream<DynamicTest> each(String file, Consumer<Case> check) {
        return read(file).map(one -> DynamicTest.dynamicTest(one.name(), () -> check.accept(one)));
    }

    public static Stream<Case> read(String file) {
        try (XContentParser parser = parser(Files.readString(FOLDER.resolve(file)))) {
            return parser.list().stream().map(Vectors::asCase);
        } catch (IOException error) {
            throw new AssertionError(error);
        }
    }

    @SuppressWarnings("unchecked")
    private static Case asCase(Object value) {
        Map<String, Object> map = (Map<String, Object>) value;
        return new Case((String) map.get("name"), (Map<String, Object>) map.get("input"), map.get("expected"));
    }

    public static SearchSourceBuilder search(Map<String, Object> body) {
        try (XContentBuilder json = XContentFactory.jsonBuilder(); XContentParser parser = parser(text(json.map(body)))) {
            return SearchSourceBuilder.fromXContent(parser);
        } catch (IOException error) {
            throw new AssertionError(error);
        }
    }

    private static String text(XContentBuilder json) {
        return BytesReference.bytes(json).utf8ToString();
    }

    private static XContentParser parser(String json) throws IOException {
        return JsonXContent.jsonXContent.createParser(REGISTRY, DeprecationHandler.IGNORE_DEPRECATIONS, json);
    }
}
