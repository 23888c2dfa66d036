"""A live search, asked for every query."""

from __future__ import annotations

import pytest

from jrerank.bench.quality.live.source import search_all
from jrerank.domain import Candidate
from jrerank.errors import InvalidInput


def test_a_hit_that_comes_twice_is_refused_since_measures_would_count_it_twice() -> None:
    def search(query: str, size: int) -> tuple[Candidate, ...]:
        return (Candidate("a", "山"), Candidate("b", "川"), Candidate("a", "山"))[:size]

    assert set(search_all(search, {"q": "高さ"}, 2, lambda *_: None).hits) == {"q"}
    with pytest.raises(InvalidInput, match="the search for '高さ' gave the hit 'a' twice"):
        search_all(search, {"q": "高さ"}, 3, lambda *_: None)
