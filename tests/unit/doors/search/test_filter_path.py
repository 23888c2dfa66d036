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
