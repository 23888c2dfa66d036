import time
from typing import Any

import pytest

from jrerank.doors.search.filter_path import filtered

ANSWER = {
    "took": 3,
    "_shards": {"total": 1, "failed": 0},
    "hits": {
        "total": {"value": 2},
        "hits": [
            {"_id": "1", "_source": {"title": "a", "body": "b"}},
            {"_id": "2", "_source": {"title": "c"}},
        ],
    },
}
IDS = {"hits": {"hits": [{"_id": "1"}, {"_id": "2"}]}}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (None, ANSWER),
        ("took", {"took": 3}),
        ("took,_shards.failed", {"took": 3, "_shards": {"failed": 0}}),
        ("hits.hits._id", IDS),
        ("h*.h*._i*", IDS),
        ("**._id", IDS),
        ("**.body", {"hits": {"hits": [{"_source": {"body": "b"}}]}}),
        ("hits.total", {"hits": {"total": {"value": 2}}}),
        ("-hits", {"took": 3, "_shards": {"total": 1, "failed": 0}}),
        ("hits.hits,-**._source", IDS),
        ("nothing.here", {}),
        ("took.value", {}),
    ],
)
def test_parts_of_an_answer(paths: str | None, expected: Any) -> None:
    assert filtered(ANSWER, paths) == expected


def test_many_stars_over_many_hits_take_no_time() -> None:
    deep: dict[str, Any] = {"end": 1}
    for _ in range(50):
        deep = {"a": deep}
    answer = {"hits": {"hits": [deep] * 1_000}}
    started = time.perf_counter()
    for path in (".".join(["**"] * 600) + ".nothing", ".".join(["**.a"] * 400) + ".nothing"):
        assert filtered(answer, path) == {}
    assert time.perf_counter() - started < 2
