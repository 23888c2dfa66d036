"""What a live search gives, and asking it for every query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from jrerank.domain import Candidate
from jrerank.errors import InvalidInput, Unavailable
from jrerank.evaluation.collection import Hits, first_repeated

COMPLETE, PASSTHROUGH = "complete", "passthrough"


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """Hits, best first, and what a reranker behind the search says of itself; one that says nothing is `complete`.

    `seconds` are the search's own, without those of asking for the outcome.
    """

    hits: tuple[Candidate, ...]
    seconds: float
    outcome: str = COMPLETE


class LiveSearch(Protocol):
    """One search of `size` hits."""

    def __call__(self, query: str, size: int) -> SearchAnswer:
        """Its answer.

        Raises:
            JrerankError: the search failed.
        """


@dataclass(frozen=True, slots=True)
class LiveHits:
    """Hit lists by query, how long each search took, and what became of its reranking."""

    hits: Hits
    seconds: Mapping[str, float]
    outcomes: Mapping[str, str] = field(default_factory=dict)

    def reranked_note(self, name: str) -> str | None:
        """What a reader has to know of a search that reranks; an empty list has nothing to rerank.

        Raises:
            Unavailable: nothing was reranked: its figures would be those of the first stage.
        """
        outcomes = [self.outcomes.get(id, COMPLETE) for id, hits in self.hits.items() if hits]
        if outcomes and set(outcomes) == {PASSTHROUGH}:
            raise Unavailable(
                f"{name}: all {len(outcomes)} searches passed through, nothing was reranked; is the sidecar there?"
            )
        incomplete = len(outcomes) - outcomes.count(COMPLETE)
        if not incomplete:
            return None
        return f"{name}: {incomplete} of {len(outcomes)} searches were partial or passed through"


def search_all(
    search: LiveSearch, queries: Mapping[str, str], size: int, progress: Callable[[int, int], None]
) -> LiveHits:
    """Ask for every query, one at a time.

    Raises:
        JrerankError: a search failed.
        InvalidInput: it gave a hit twice, as a join does.
    """
    answers = {}
    for number, (id, text) in enumerate(queries.items(), start=1):
        answers[id] = search(text, size)
        if (repeated := first_repeated(answers[id].hits)) is not None:
            raise InvalidInput(f"the search for {text!r} gave the hit {repeated!r} twice", field="hits")
        progress(number, len(queries))
    return LiveHits(
        {id: answer.hits for id, answer in answers.items()},
        {id: answer.seconds for id, answer in answers.items()},
        {id: answer.outcome for id, answer in answers.items()},
    )
