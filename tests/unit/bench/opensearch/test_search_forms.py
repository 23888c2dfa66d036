"""What counts as a difference between a search with the pipeline and one without."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from bench.opensearch.forms import _differences


def answer(ids: Sequence[str], total: int, reranked: int = 0) -> httpx.Response:
    hits = [{"_index": "docs", "_id": id, "_score": 1.0} for id in ids]
    body = {"hits": {"total": {"value": total, "relation": "eq"}, "hits": hits}}
    return httpx.Response(200, json=body | {"ext": {"jrerank": {"reranked": reranked}}})


@pytest.mark.parametrize(
    ("ours", "total", "is_same_page", "expected"),
    [
        ("ba", 2, False, []),
        ("bb", 2, False, ["ids"]),
        ("bc", 3, False, []),
        ("bc", 3, True, ["ids"]),
        ("b", 3, True, ["number of hits", "ids"]),
    ],
)
def test_a_reranked_page_of_the_same_window_has_the_same_ids(
    ours: str, total: int, is_same_page: bool, expected: list[str]
) -> None:
    found = _differences(answer("ab", total), answer(ours, total, reranked=2), is_same_page)
    assert [difference.partition(":")[0] for difference in found] == expected
