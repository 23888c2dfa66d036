"""A live search, asked for every query."""

from __future__ import annotations

import pytest

from jrerank.bench.quality.live.source import LiveHits, SearchAnswer, search_all
from jrerank.domain import Candidate
from jrerank.errors import InvalidInput, Unavailable


def test_a_hit_that_comes_twice_is_refused_since_measures_would_count_it_twice() -> None:
    def search(query: str, size: int) -> SearchAnswer:
        return SearchAnswer((Candidate("a", "山"), Candidate("b", "川"), Candidate("a", "山"))[:size], 0.25)

    found = search_all(search, {"q": "高さ"}, 2, lambda *_: None)
    assert (set(found.hits), found.seconds, found.outcomes) == ({"q"}, {"q": 0.25}, {"q": "complete"})
    with pytest.raises(InvalidInput, match="the search for '高さ' gave the hit 'a' twice"):
        search_all(search, {"q": "高さ"}, 3, lambda *_: None)


def reranked(*outcomes: str) -> LiveHits:
    """One hit a query; where there is no outcome, no hit."""
    hits = {str(place): (Candidate("a", "山"),) if one else () for place, one in enumerate(outcomes)}
    return LiveHits(hits, {}, {str(place): one or "passthrough" for place, one in enumerate(outcomes)})


def test_searches_that_were_not_reranked_are_counted() -> None:
    assert reranked("complete", "complete").reranked_note("pipeline p") is None
    note = reranked("complete", "partial", "passthrough", "complete", "").reranked_note("pipeline p")
    assert note == "pipeline p: 2 of 4 searches were partial or passed through"


def test_a_search_that_reranked_nothing_is_not_measured() -> None:
    with pytest.raises(Unavailable, match="pipeline p: all 2 searches passed through"):
        reranked("passthrough", "passthrough", "").reranked_note("pipeline p")


def test_no_hit_at_all_says_nothing_of_the_reranker() -> None:
    assert reranked("", "").reranked_note("pipeline p") is None
