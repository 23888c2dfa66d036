from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jrerank.bench.quality.scores import QueryScores, ScoreFile, key_of
from jrerank.domain import Candidate
from jrerank.errors import InvalidInput

SCORES = QueryScores((0.5, None, -1.25), 0.75, 30)
HITS = (Candidate("a", "山"), Candidate("b", "川"))


def test_scores_are_there_after_a_run_was_broken_off_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    ScoreFile.open(path).put("one", SCORES)
    ScoreFile.open(path).put("two", SCORES)
    with path.open("a") as stream:
        stream.write('{"key": "three", "logits": [0.')
    again = ScoreFile.open(path)
    assert (again.get("one"), again.get("two"), again.get("three")) == (SCORES, SCORES, None)


def test_what_an_earlier_run_has_left_is_told_from_what_this_one_scored(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    ScoreFile.open(path).put("one", SCORES)
    again = ScoreFile.open(path)
    again.put("two", SCORES)
    assert (again.is_earlier("one"), again.is_earlier("two")) == (True, False)


def test_without_a_file_they_are_kept_in_memory() -> None:
    file = ScoreFile.open(None)
    file.put("one", SCORES)
    assert file.get("one") == SCORES


def test_a_key_changes_with_the_system_the_query_and_every_text() -> None:
    keys = {
        key_of("s", "q", HITS),
        key_of("t", "q", HITS),
        key_of("s", "r", HITS),
        key_of("s", "q", HITS[:1]),
        key_of("s", "q", (HITS[0], replace(HITS[1], passage="海"))),
    }
    assert len(keys) == 5
    assert key_of("s", "q", HITS) == key_of("s", "q", tuple(replace(hit, id="other") for hit in HITS))


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can't be written"):
        ScoreFile.open(tmp_path / "no" / "scores").put("one", SCORES)
