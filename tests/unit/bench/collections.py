"""A small collection over the tiny model's words."""

from __future__ import annotations

from jrerank.domain import Candidate
from jrerank.evaluation.collection import Collection

WORDS = ("今日の天気は晴れです。", "富士山の高さ", "空", "天気の空", "富士山の天気", "今日の空は晴れ")


def small_collection(queries: int = 8, scores: bool = True) -> Collection:
    """Each query has all six passages; the relevant one is third."""
    hits = tuple(
        Candidate(f"p{place}", text, 6.0 - place if scores else None) for place, text in enumerate(WORDS)
    )
    ids = [f"q{number}" for number in range(queries)]
    return Collection(
        "small",
        {id: f"富士山 {number}" for number, id in enumerate(ids)},
        {id: {"p2": 1} for id in ids},
        dict.fromkeys(ids, hits),
    )
