"""Judging on the terminal: stopped and gone on with, and nothing asked twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from jrerank.bench.labels.pool import pooled, pools
from jrerank.bench.labels.session import Judged, session
from jrerank.evaluation.layouts.labels import read_judgements

QUERIES = {"1": "富士山の高さ", "2": "日本の首都", "3": "空の色"}
POOLS = {id: ["a", "b", "c"] for id in QUERIES}
TEXTS = {"a": "山", "b": "東京", "c": "青"}


class Typing:
    """Types these lines; `seen` is what was shown, and what was said of an answer that was no answer."""

    def __init__(self, *lines: str) -> None:
        self._answers: Iterator[str] = iter(lines)
        self.seen: list[str] = []

    def ask(self, query: str, texts: Sequence[str], number: int, total: int) -> str:
        self.seen.append(f"{number}/{total} {query}: {' '.join(texts)}")
        return next(self._answers)

    def ask_again(self, reason: str) -> str:
        self.seen.append(reason)
        return next(self._answers)


def typing(*lines: str) -> tuple[Typing, list[str]]:
    judge = Typing(*lines)
    return judge, judge.seen


def test_a_session_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    ask, _ = typing("1, 2!", "q")
    assert session(POOLS, QUERIES, TEXTS, file, ask) == Judged(1, 3, stopped=True)
    ask, seen = typing("", "3")
    assert session(POOLS, QUERIES, TEXTS, file, ask) == Judged(2, 6, stopped=False)
    assert seen == ["1/2 日本の首都: 山 東京 青", "2/2 空の色: 山 東京 青"]
    assert read_judgements(file) == {
        "1": {"a": 1, "b": 2, "c": 0},
        "2": {"a": 0, "b": 0, "c": 0},
        "3": {"a": 0, "b": 0, "c": 1},
    }


def test_what_is_not_understood_is_asked_again_and_a_skipped_query_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    ask, seen = typing("4", "x", "s", "1", "1")
    assert session(POOLS, QUERIES, TEXTS, file, ask) == Judged(2, 6, stopped=False)
    assert seen[1:3] == ["'4' is no number from 1 to 3", "'x' is no number from 1 to 3"]
    ask, seen = typing("2")
    session(POOLS, QUERIES, TEXTS, file, ask)
    assert seen == ["1/1 富士山の高さ: 山 東京 青"]


def test_a_slip_is_mended_by_going_back(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    ask, seen = typing("b", "1", "b", "2", "b", "b", "3", "1", "q")
    assert session(POOLS, QUERIES, TEXTS, file, ask) == Judged(2, 6, stopped=True)
    assert [one[0] for one in seen] == ["1", "1", "2", "1", "2", "1", "1", "2", "3"]
    assert read_judgements(file) == {"1": {"a": 0, "b": 0, "c": 1}, "2": {"a": 1, "b": 0, "c": 0}}


def test_a_larger_pool_asks_for_what_is_new(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    session({"1": ["a"]}, QUERIES, TEXTS, file, typing("1")[0])
    ask, seen = typing("1")
    session({"1": ["a", "b"]}, QUERIES, TEXTS, file, ask)
    assert seen == ["1/1 富士山の高さ: 東京"]
    assert read_judgements(file) == {"1": {"a": 1, "b": 1}}


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=4), st.integers(1, 6))
def test_a_pool_has_the_first_hits_of_every_system_once(lists: list[list[str]], depth: int) -> None:
    pool = pooled(lists, depth)
    assert set(pool) == {id for ids in lists for id in ids[:depth]}
    assert len(pool) == len(set(pool))


def test_pools_take_systems_in_turn() -> None:
    assert pools(["q"], [{"q": ["a", "b"]}, {"q": ["c", "a"]}, {}], 2) == {"q": ["a", "c", "b"]}


def test_what_a_japanese_input_method_types_is_understood(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    ask, _ = typing("１、３！", "ｂ", "１，２", "Ｓ", "ｑ")
    assert session(POOLS, QUERIES, TEXTS, file, ask).stopped
    assert read_judgements(file) == {"1": {"a": 1, "b": 1, "c": 0}}
