from typing import Any

import pytest
from pydantic import ValidationError

from jrerank.doors.search.options import RerankSection, SearchBody


def options(**body: Any) -> RerankSection:
    return SearchBody.model_validate(body).options()


def test_what_is_said_twice_is_put_together() -> None:
    both = options(
        rerank={"query": "東京", "timeout_ms": 500},
        ext={"jrerank": {"query": "大阪", "timeout_ms": 300, "hit_details": True}},
    )
    assert (both.query, both.timeout_ms, both.hit_details) == ("大阪", 300, True)
    assert options(rerank={"timeout_ms": 100}, ext={"jrerank": {"timeout_ms": 300}}).timeout_ms == 100
    assert options(rerank={"query": "東京"}, ext={"jrerank": {"query": " "}}).query == "東京"
    assert not options(rerank={"enabled": False}, ext={"jrerank": {"enabled": True}}).enabled


def test_a_search_says_in_ext_what_the_plugin_takes_too() -> None:
    said = options(
        rerank={"window": 50, "unread": "keep"},
        ext={
            "jrerank": {
                "window": 20,
                "passage_fields": ["body"],
                "unread": None,
                "min_score": 0.5,
                "fusion": {"method": "rrf"},
            }
        },
    )
    assert (said.window, said.passage_fields, said.unread, said.min_score) == (20, ("body",), "keep", 0.5)
    assert said.fusion is not None
    assert said.fusion.method == "rrf"


def test_the_engine_gets_what_is_not_ours() -> None:
    body = {"query": {"match_all": {}}, "from": 5, "rerank": {}, "ext": {"jrerank": {}, "other": {"a": 1}}}
    assert SearchBody.model_validate(body).for_engine() == {
        "query": {"match_all": {}},
        "from": 5,
        "ext": {"other": {"a": 1}},
    }
    assert SearchBody.model_validate({"ext": {"jrerank": {}}}).for_engine() == {}


def test_a_store_that_has_the_texts_makes_reading_them_needless() -> None:
    assert options().fields(("title", "body")) == ("title", "body")
    assert options(rerank={"store": "docs"}).fields(("title", "body")) == ()
    assert options(rerank={"store": "docs", "passage_fields": ["body"]}).fields(("title",)) == ("body",)


@pytest.mark.parametrize(
    "body",
    [
        {"rerank": {"windw": 5}},
        {"rerank": {"window": 0}},
        {"rerank": {"window": 10_001}},
        {"rerank": {"timeout_ms": 0}},
        {"rerank": {"on_failure": "ignore"}},
        {"rerank": {"unread": "hide"}},
        {"rerank": {"min_score": "high"}},
        {"rerank": {"passage_fields": ["*"]}},
        {"rerank": {"passage_fields": [1]}},
        {"ext": {"jrerank": {"passage_fields": [" "]}}},
        {"ext": {"jrerank": {"window": 0}}},
        {"rerank": {"fusion": {"method": "magic"}}},
        {"ext": {"jrerank": {"querry": "x"}}},
        {"ext": {"jrerank": {"timeout_ms": "300"}}},
        {"size": -1},
        {"from": "many"},
    ],
)
def test_what_is_wrong_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SearchBody.model_validate(body)
