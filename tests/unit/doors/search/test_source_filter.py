from typing import Any

import pytest

from jrerank.doors.search.options import SearchBody
from jrerank.doors.search.plan import make_plan
from jrerank.doors.search.source_filter import SourceFilter
from jrerank.stores.passage import passage_text
from jrerank.stores.search import IndexLimits
from shared_vectors import Case, cases


@pytest.mark.parametrize("case", cases("source_filter.json"))
def test_the_shared_vectors(case: Case) -> None:
    body, fields, source = (case.input[key] for key in ("body", "passage_fields", "source"))
    shown = SourceFilter.shown(body)
    fetched = shown if shown.leaves_in(fields) else shown.opened(fields)
    assert (None if fetched == shown else fetched.as_json()) == case.expected["fetched"]
    seen = fetched.apply(source) if fetched.fetches else {}
    assert passage_text(seen, fields) == case.expected["passage"]
    assert (shown.apply(seen) if shown.fetches else None) == case.expected["shown"]


@pytest.mark.parametrize("case", cases("source_filter.json"))
def test_the_engine_is_asked_for_what_the_vectors_say(case: Case) -> None:
    body = {"query": {"match": {"body": "天気"}}, **case.input["body"]}
    plan = make_plan(SearchBody.model_validate(body), tuple(case.input["passage_fields"]), IndexLimits())
    assert plan.body.get("_source") == (case.expected["fetched"] or body.get("_source"))


DOCUMENT = {
    "title": "t",
    "chunks": [{"text": "c", "no": 1}, {"no": 2}],
    "meta": {"a": {"b": 1}, "c": [1, [2]]},
}
FILTERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a whole object": ({"includes": ("meta",)}, {"meta": DOCUMENT["meta"]}),
    "under an object": ({"includes": ("meta.a.b",)}, {"meta": {"a": {"b": 1}}}),
    "any object's": ({"includes": ("*.b",)}, {"meta": {"a": {"b": 1}}}),
    "of objects in a list": ({"includes": ("chunks.text",)}, {"chunks": [{"text": "c"}]}),
    "a list of lists": ({"includes": ("meta.c",)}, {"meta": {"c": [1, [2]]}}),
    "all but an object's field": (
        {"excludes": ("chunks.no", "meta")},
        {"title": "t", "chunks": [{"text": "c"}]},
    ),
    "nothing of that name": ({"includes": ("tit",)}, {}),
    "a single mark is no star": ({"includes": ("titl?",)}, {}),
}


@pytest.mark.parametrize(("given", "kept"), list(FILTERS.values()), ids=list(FILTERS))
def test_what_gets_through(given: dict[str, Any], kept: dict[str, Any]) -> None:
    assert SourceFilter(True, **given).apply(DOCUMENT) == kept


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"stored_fields": ["title"]}, SourceFilter(fetches=False)),
        ({"stored_fields": "_none_"}, SourceFilter(fetches=False)),
        ({"stored_fields": ["_source"]}, SourceFilter()),
        ({"stored_fields": ["title"], "_source": "title"}, SourceFilter(True, ("title",))),
        ({"script_fields": {"n": {"script": "1"}}}, SourceFilter(fetches=False)),
        ({"_source": {"include": "a", "exclude": ["b"]}}, SourceFilter(True, ("a",), ("b",))),
    ],
)
def test_an_engines_own_defaults(body: dict[str, Any], shown: SourceFilter) -> None:
    assert SourceFilter.shown(body) == shown
