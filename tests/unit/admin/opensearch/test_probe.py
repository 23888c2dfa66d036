"""Whether two answers show that reranking happened."""

from __future__ import annotations

from typing import Any

import pytest

from jrerank.admin.opensearch.probe import by_marker, by_scores


def answer(*hits: tuple[str, float], **marker: object) -> dict[str, Any]:
    made: dict[str, Any] = {"hits": {"hits": [{"_id": key, "_score": score} for key, score in hits]}}
    return made | ({"ext": {"jrerank": marker}} if marker else {})


BEFORE = answer(("a", 3.0), ("b", 2.0))
MARKER = {"reason": None, "reranked": 2, "took_ms": 4, "model": "m"}


def test_the_marker_says_so() -> None:
    found = by_marker(BEFORE, answer(("b", 0.9), ("a", 0.1), outcome="complete", **MARKER))
    assert found.ok
    assert found.text == "complete, 2 hits in 4 ms by m; 2 of 2 places have another hit than before"


@pytest.mark.parametrize(
    ("reason", "ok"),
    [
        ("deadline", False),
        ("missing_passages", False),
        ("store_error", False),
        ("window_narrowed", None),
        ("node_busy", None),
    ],
)
def test_a_search_that_was_reranked_in_part_is_told_with_its_reason(reason: str, ok: bool | None) -> None:
    marker = MARKER | {"outcome": "partial", "reason": reason}
    found = by_marker(BEFORE, answer(("b", 0.9), ("a", 0.1), **marker))
    assert found.ok is ok
    assert found.text.startswith(f"partial ({reason}), 2 hits in 4 ms by m")


def test_the_marker_says_why_not() -> None:
    marker = MARKER | {"outcome": "passthrough", "reason": "refused"}
    found = by_marker(BEFORE, answer(("a", 3.0), ("b", 2.0), **marker))
    assert (found.ok, found.text) == (False, "passthrough: refused")


def test_no_marker_is_another_pipeline() -> None:
    assert by_marker(BEFORE, BEFORE).ok is False


def test_other_scores_are_seen_though_the_order_is_the_same() -> None:
    found = by_scores(BEFORE, answer(("a", 0.9), ("b", 0.1)))
    assert found.ok
    assert "0 of 2 places" in found.text


def test_the_scores_of_the_first_stage_are_no_reranking() -> None:
    assert by_scores(BEFORE, BEFORE).ok is False
