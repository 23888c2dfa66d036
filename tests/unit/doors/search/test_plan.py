from typing import Any

import pytest

from jrerank.domain import Candidate
from jrerank.doors.search.options import SearchBody
from jrerank.doors.search.plan import Plan, make_plan
from jrerank.doors.search.source_filter import SourceFilter
from jrerank.stores.search import IndexLimits
from shared_vectors import Case, cases

MATCH = {"match": {"body": "大仏"}}
PAGE_3: dict[str, Any] = {"from": 10, "size": 5}
HIT = {"_id": "1", "_score": 2.5, "_source": {"title": "奈良", "body": "大仏"}}


def plan_of(limits: IndexLimits | None = None, as_fetched: bool = False, **body: Any) -> Plan:
    search = SearchBody.model_validate({"query": MATCH, **body})
    return make_plan(search, ("title", "body"), limits or IndexLimits(), as_fetched=as_fetched)


@pytest.mark.parametrize("case", cases("plan.json"))
def test_the_shared_vectors(case: Case) -> None:
    given, expected = case.input, case.expected
    search = SearchBody.model_validate({**given["body"], "rerank": {"window": given["window"]}})
    limits = IndexLimits(given.get("max_result_window", 10_000), given.get("keeps_source", True))
    fields, is_scroll = tuple(given["passage_fields"]), given.get("scroll", False)
    plan = make_plan(search, fields, limits, as_fetched=is_scroll)
    assert plan.reason == expected["reason"]
    if expected["asked"] is None:
        assert plan.body == given["body"]
    else:
        source = expected["asked"]["_source"] or given["body"].get("_source")
        asked = {**given["body"], **expected["asked"], "_source": source}
        assert {"_source": None, **plan.body} == asked


def test_a_search_is_widened_and_its_page_kept() -> None:
    plan = plan_of(**PAGE_3)
    assert plan.body == {"query": MATCH, "from": 0, "size": 100}
    assert (plan.page.start, plan.page.size, plan.is_widened, plan.shown) == (10, 5, True, None)


@pytest.mark.parametrize("inner_hits", [{"name": "more"}, [{"name": "more"}, {"name": "latest"}]])
def test_a_search_that_makes_one_for_each_hit_is_not_widened(inner_hits: Any) -> None:
    plan = plan_of(**PAGE_3, collapse={"field": "topic", "inner_hits": inner_hits})
    assert (plan.reason, plan.is_widened) == (None, False)
    assert plan.body == {"query": MATCH, **PAGE_3, "collapse": {"field": "topic", "inner_hits": inner_hits}}
    assert plan_of(collapse={"field": "topic"}).is_widened


def test_an_index_gives_no_more_than_it_can() -> None:
    assert plan_of(IndexLimits(20)).body["size"] == 20


def test_a_filter_is_opened_and_what_the_caller_sees_kept() -> None:
    plan = plan_of(_source=["title"])
    assert plan.body["_source"] == {"includes": ["title", "body"], "excludes": []}
    assert plan.shown == SourceFilter(True, ("title",))


def test_what_cannot_be_opened_is_left_as_it_is() -> None:
    sourceless = plan_of(IndexLimits(keeps_source=False), _source=False)
    idless = plan_of(stored_fields="_none_", _source=False)
    for plan in (sourceless, idless):
        assert plan.reason == "no_passages"
        assert "size" not in plan.body
        assert plan.body["_source"] is False


def test_as_fetched_changes_nothing_and_leaks_nothing() -> None:
    assert plan_of(as_fetched=True, **PAGE_3).body == {"query": MATCH, **PAGE_3}
    assert plan_of(as_fetched=True, _source=["title"]).reason == "passages_filtered"


def test_candidates_are_the_windows_hits() -> None:
    plan = plan_of(rerank={"window": 1})
    response = {"hits": {"hits": [HIT, HIT]}}
    assert plan.candidates(response) == [Candidate("1", "奈良\n大仏", 2.5)]
    assert plan.reason_in(plan.candidates(response)) is None


def test_nothing_to_rerank_has_a_reason() -> None:
    plan = plan_of()
    assert plan.reason_in(plan.candidates({"hits": {"hits": []}})) == "no_hits"
    assert (
        plan.reason_in(plan.candidates({"hits": {"hits": [{"_id": "1", "_score": None}]}})) == "no_passages"
    )


def test_a_store_may_have_what_a_hit_has_not() -> None:
    plan = plan_of(rerank={"store": "docs"})
    candidates = plan.candidates({"hits": {"hits": [HIT]}})
    assert candidates == [Candidate("1", None, 2.5)]
    assert plan.reason_in(candidates) is None
