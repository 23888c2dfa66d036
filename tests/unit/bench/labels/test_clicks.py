from __future__ import annotations

from pathlib import Path

import pytest

from jrerank.bench.labels.clicks import Impression, Label, labels_from_clicks, read_clicks
from jrerank.errors import InvalidInput


def shown(id: str, position: int, times: int, clicks: int, query: str = "q") -> list[Impression]:
    return [Impression(query, id, position, number < clicks) for number in range(times)]


def test_what_is_clicked_more_than_its_place_explains_is_relevant() -> None:
    """First place gets 40 % of clicks, third 10 %: b has 4 times what the third place gets, a no more than the first."""
    log = [*shown("a", 1, 20, 8), *shown("b", 3, 10, 4), *shown("c", 3, 30, 0), *shown("d", 1, 20, 8)]
    gains = {label.id: label.gain for label in labels_from_clicks(log)}
    assert gains == {"a": 0, "b": 2, "c": 0, "d": 0}


def test_what_was_hardly_shown_and_queries_without_a_relevant_passage_are_left_out() -> None:
    log = [*shown("a", 2, 4, 4), *shown("b", 2, 20, 1), *shown("c", 2, 20, 1, query="other")]
    assert labels_from_clicks(log) == []
    assert labels_from_clicks(log, least_shown=4) == [Label("q", "a", 2), Label("q", "b", 0)]


def test_a_log_is_read_and_a_wrong_line_named(tmp_path: Path) -> None:
    file = tmp_path / "clicks.jsonl"
    file.write_text(
        '{"query": "山", "id": 3, "position": 1, "clicked": true}\n{"query": "山", "id": "b", "position": 2}\n'
    )
    assert read_clicks(file) == [Impression("山", "3", 1, True), Impression("山", "b", 2, False)]
    file.write_text('{"query": "山", "id": "a", "position": 0}\n')
    with pytest.raises(InvalidInput, match="line 1: `position` must be an integer from 1"):
        read_clicks(file)
