package io.github.jrerank.opensearch.query;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The words of `query_string` and `simple_query_string`, without operators and without what is excluded. */
final class QuerySyntax {
    private static final int FLAGS = Pattern.COMMENTS | Pattern.DOTALL | Pattern.UNICODE_CHARACTER_CLASS;
    private static final Pattern LUCENE = Pattern.compile("""
          (?<space>\\s+)
        | (?<exclude>[-!]|NOT(?=[\\s(]))
        | (?<operator>[+]|&&|[|]{1,2}|(?:AND|OR)(?=[\\s(]))
        | (?<open>\\()
        | (?<close>\\))
        | "(?<phrase>(?:[^"\\\\]++|\\\\.)*+)"?
        | (?<skipped>[\\[{][^\\]}]*[\\]}]?|/(?:[^/\\\\]++|\\\\.)++/|[\\^~][\\d.]*|[:\\]}^])
        | (?<field>(?:[^\\s()"\\[\\]{}:^~\\\\]++|\\\\.)++):(?=\\S)
        | (?<term>(?:[^\\s()"\\[\\]{}:^~\\\\]++|\\\\.)++)
        """, FLAGS);
    private static final Pattern SIMPLE = Pattern.compile("""
          (?<space>\\s+)
        | (?<exclude>-)
        | (?<operator>[+|])
        | (?<open>\\()
        | (?<close>\\))
        | "(?<phrase>(?:[^"\\\\]++|\\\\.)*+)"?
        | (?<skipped>~\\d*)
        | (?<field>(?!))
        | (?<term>(?:[^\\s()"|~\\\\]++|\\\\.)++)
        """, FLAGS);
    private static final List<String> NAMES = List.of(
        "space", "exclude", "operator", "open", "close", "phrase", "skipped", "field", "term"
    );
    /** More of a query than this the model would not read either. */
    private static final int MAX_CHARS = 4_000;
    private static final Pattern ESCAPE = Pattern.compile("\\\\(.)", Pattern.DOTALL);
    private static final Pattern WILDCARDS = Pattern.compile("(?<!\\\\)[*?]");

    /** What holds for the words inside of a pair of parentheses, or for the next word; no kind: any field. */
    private record Clause(boolean isExcluded, FieldKind kind) {
        static final Clause PLAIN = new Clause(false, null);

        Clause within(Clause around) {
            return new Clause(isExcluded || around.isExcluded, kind == null ? around.kind : kind);
        }
    }

    private final Function<String, FieldKind> kind;
    private final Deque<Clause> around = new ArrayDeque<>(List.of(Clause.PLAIN));
    /** Words without a field or on a text field go before those on a field of unknown kind. */
    private final List<String> likely = new ArrayList<>();
    private final List<String> unlikely = new ArrayList<>();
    private Clause following = Clause.PLAIN;
    private boolean isPlain = true;

    private QuerySyntax(Function<String, FieldKind> kind) {
        this.kind = kind;
    }

    /** Of Lucene's syntax; `kind` says which words on a field (`title:富士山`) count. */
    static String wordsOfQueryString(String query, Function<String, FieldKind> kind) {
        return new QuerySyntax(kind).words(LUCENE, query);
    }

    /** Of the simple syntax, which has no fields. */
    static String wordsOfSimpleQueryString(String query) {
        return new QuerySyntax(name -> FieldKind.UNKNOWN).words(SIMPLE, query);
    }

    private String words(Pattern syntax, String whole) {
        String query = whole.substring(0, Math.min(whole.length(), MAX_CHARS));
        Matcher token = syntax.matcher(query);
        for (int position = 0; position < query.length();) {
            boolean isToken = token.region(position, query.length()).lookingAt();
            String name = isToken ? nameOf(token) : "";
            isPlain = isPlain && (name.equals("space") || name.equals("term"));
            read(name, isToken ? token.group(name) : "");
            position = isToken ? Math.max(token.end(), position + 1) : position + 1;
        }
        return isPlain ? query : String.join(" ", likely.isEmpty() ? unlikely : likely);
    }

    private static String nameOf(Matcher token) {
        return NAMES.stream().filter(name -> token.group(name) != null).findFirst().orElseThrow();
    }

    private void read(String name, String text) {
        switch (name) {
            case "exclude" -> following = new Clause(true, following.kind());
            case "field" -> following = new Clause(following.isExcluded(), kind.apply(unescaped(text)));
            case "open" -> open();
            case "close" -> close();
            case "phrase" -> add(unescaped(text));
            case "term" -> readTerm(text);
            case "skipped" -> following = "[{/".indexOf(text.charAt(0)) >= 0 ? Clause.PLAIN : following;
            default -> {}
        }
    }

    private void readTerm(String text) {
        String word = unescaped(WILDCARDS.matcher(text).replaceAll(""));
        isPlain = isPlain && word.equals(text);
        add(word);
    }

    private void add(String word) {
        Clause clause = following.within(around.peek());
        following = Clause.PLAIN;
        if (word.isBlank() == false && clause.isExcluded() == false && clause.kind() != FieldKind.OTHER) {
            (clause.kind() == FieldKind.UNKNOWN ? unlikely : likely).add(word);
        }
    }

    private void open() {
        around.push(following.within(around.peek()));
        following = Clause.PLAIN;
    }

    private void close() {
        if (around.size() > 1) {
            around.pop();
        }
    }

    private static String unescaped(String text) {
        return ESCAPE.matcher(text).replaceAll("$1");
    }
}
