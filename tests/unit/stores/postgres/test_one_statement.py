"""What may follow a query's semicolon, and what looks like one and isn't."""

from __future__ import annotations

import pytest

from jrerank.stores.postgres.one_statement import one_statement

QUERY = "select id, body from docs where id = any(%(ids)s)"


@pytest.mark.parametrize(
    "end", [";", " ;\n", "; -- by id", ";\n-- by id; or so\n", "; /* by\nid */ ", ";;", " ; ; -- '"]
)
def test_a_semicolon_and_what_comments_follow_it_are_left_out(end: str) -> None:
    assert one_statement(QUERY + end) == QUERY


@pytest.mark.parametrize(
    "query",
    [
        QUERY,
        QUERY + " -- by id; '",
        "select ';' || 'it''s;' || body from docs",
        "select e'\\';' || E'\\\\', body from docs",
        'select "a;""b" from docs',
        "select $$a;'b$$, $x$;$$;$x$ from docs",
        "select /* ; ' */ body from docs -- \" ;",
        "select price$1, a-b, a/b, a*b from docs",
    ],
)
def test_what_is_within_a_text_a_name_or_a_comment_ends_nothing(query: str) -> None:
    assert one_statement(query) == query
    assert one_statement(query + "\n;") == query


@pytest.mark.parametrize("query", ["select 1; select 2", "select 1; 'x'", "select 1 ;) as x"])
def test_a_second_statement_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match="single statement: something follows its semicolon"):
        one_statement(query)


@pytest.mark.parametrize(
    ("query", "mark"), [("select 'a;", "'"), ('select "a', '"'), ("select 1 /* a", "/*")]
)
def test_what_is_left_open_is_named(query: str, mark: str) -> None:
    with pytest.raises(ValueError, match="that nothing closes") as caught:
        one_statement(query)
    assert f"has a {mark} that" in str(caught.value)
