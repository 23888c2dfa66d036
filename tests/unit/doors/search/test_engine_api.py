import pytest

from jrerank.doors.search.engine_api import Call, Does, Refusal, understood


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", (), Call(Does.INFO, None, ())),
        ("POST", ("_search",), Call(Does.SEARCH, None, ("_search",))),
        ("GET", ("docs", "_search"), Call(Does.SEARCH, "docs", ("_search",))),
        ("POST", ("docs,faq", "_msearch"), Call(Does.MULTI_SEARCH, "docs,faq", ("_msearch",))),
        (
            "POST",
            ("docs", "_search", "template"),
            Call(Does.TEMPLATE_SEARCH, "docs", ("_search", "template")),
        ),
        (
            "POST",
            ("_msearch", "template"),
            Call(Does.MULTI_TEMPLATE_SEARCH, None, ("_msearch", "template")),
        ),
        ("DELETE", ("_search", "scroll"), Call(Does.SCROLL, None, ("_search", "scroll"))),
        ("POST", ("docs", "_pit"), Call(Does.OPEN_POINT_IN_TIME, "docs", ("_pit",))),
        ("DELETE", ("_pit",), Call(Does.CLOSE_POINT_IN_TIME, None, ("_pit",))),
        ("GET", ("docs", "_doc", "..a/b."), Call(Does.READ, "docs", ("_doc", "..a/b."))),
        ("HEAD", ("docs", "_doc", "a/b"), Call(Does.READ, "docs", ("_doc", "a/b"))),
        ("GET", ("_count",), Call(Does.READ, None, ("_count",))),
    ],
)
def test_what_is_taken(method: str, path: tuple[str, ...], expected: Call) -> None:
    assert understood(method, path) == expected


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", ("_bulk",), ()),
        ("GET", ("_cat", "indices"), ()),
        ("POST", ("docs", "_update_by_query"), ()),
        ("POST", ("docs", "_doc"), ()),
        ("POST", ("docs", "_scripts", "x"), ()),
        ("DELETE", ("_search", "point_in_time", "_all"), ()),
        ("GET", ("docs", "_search", ".."), ()),
        ("GET", ("docs", "_doc", ".."), ()),
        ("POST", ("docs", "_explain", "."), ()),
        ("GET", ("docs", "_doc", "../../other/_doc/1"), ()),
        ("GET", ("docs", "_source", "a/./b"), ()),
        ("GET", ("docs", "_doc", ""), ()),
        ("GET", ("", "_search"), ()),
        ("PUT", ("docs", "_doc", "1"), ("GET", "HEAD")),
        ("DELETE", ("docs",), ("HEAD",)),
        ("PUT", ("docs", "_mapping"), ("GET", "HEAD")),
        ("DELETE", ("docs", "_search"), ("GET", "POST")),
    ],
)
def test_what_is_refused(method: str, path: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    refusal = understood(method, path)
    assert isinstance(refusal, Refusal)
    assert refusal.allowed == allowed
    assert f"{method} /{'/'.join(path)} is not passed on" in refusal.reason
