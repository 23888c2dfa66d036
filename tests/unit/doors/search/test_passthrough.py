import math

import pytest

from jrerank.doors.search.options import SearchBody
from jrerank.doors.search.passthrough import reason
from jrerank.doors.search.plan import make_plan
from jrerank.doors.search.window import Page
from jrerank.stores.search import IndexLimits
from shared_vectors import Case, cases


@pytest.mark.parametrize("case", cases("passthrough.json"))
def test_the_shared_vectors(case: Case) -> None:
    body = {**case.input["body"], "rerank": {"window": case.input["window"]}}
    is_scroll = case.input.get("scroll", False)
    plan = make_plan(SearchBody.model_validate(body), (), IndexLimits(), as_fetched=is_scroll)
    assert plan.reason == case.expected


@pytest.mark.parametrize(
    ("sort", "is_sorted"),
    [
        ("_score", False),
        ({"_score": "desc"}, False),
        ({"_score": {"order": "DESC"}}, False),
        ({"_score": {}}, False),
        ([], False),
        (None, False),
        ({"_score": "asc"}, True),
        ({"_score": {}, "date": {}}, True),
        ("_doc", True),
        (["_score", "_doc"], True),
    ],
)
def test_forms_of_sort(sort: object, is_sorted: bool) -> None:
    said = reason({"sort": sort}, Page(0, 10), True, "東京", math.inf)
    assert (said == "sort") is is_sorted
