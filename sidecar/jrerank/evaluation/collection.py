"""What quality is measured on: queries, first-stage hit lists, passages and relevance labels."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from jrerank.domain import Candidate
from jrerank.errors import InvalidInput
from jrerank.evaluation.dataset import Dataset

Labels = Mapping[str, Mapping[str, int]]
Hits = Mapping[str, tuple[Candidate, ...]]


@dataclass(frozen=True, slots=True)
class Collection:
    """All by query id; `labels` are gains by passage id, `hits` are in the first stage's order with their texts.

    A query without labels cannot be measured; a label that no hit list has counts against every system alike. `shuffled` hits
    have no first stage's order. `passages` are texts by id that were read beside the hits, if there were any.
    """

    name: str
    queries: Mapping[str, str]
    labels: Labels
    hits: Hits
    shuffled: bool = False
    passages: Mapping[str, str] = field(default_factory=dict)

    @property
    def measurable(self) -> tuple[str, ...]:
        """The ids of the queries that have labels, in their order."""
        return tuple(id for id in self.queries if self.labels.get(id))

    @property
    def deepest(self) -> int:
        """The length of the longest hit list."""
        return max((len(self.hits.get(id, ())) for id in self.queries), default=0)

    def sample(self, queries: int) -> Collection:
        """So many measurable queries, evenly spread over the set: always the same ones."""
        ids = self.measurable
        count = min(queries, len(ids))
        return self.only(ids[i * len(ids) // count] for i in range(count))

    def only(self, ids: Iterable[str]) -> Collection:
        """These queries alone."""
        return replace(self, queries={id: self.queries[id] for id in ids})

    def with_hits(self, hits: Hits) -> Collection:
        """Other hit lists, in an order, for the same queries."""
        return replace(self, hits=hits, shuffled=False)

    def with_labels(self, labels: Labels) -> Collection:
        """Other labels for the same queries."""
        return replace(self, labels=labels)

    def candidates(self, query: str, depth: int) -> tuple[Candidate, ...]:
        """The first `depth` hits of a query."""
        return self.hits.get(query, ())[:depth]

    def check(self) -> Collection:
        """Itself, if there is anything to measure.

        Raises:
            InvalidInput: no query has both labels and hits, a query is blank, or a hit has no text.
        """
        ids = [id for id in self.measurable if self.hits.get(id)]
        if not ids:
            raise InvalidInput(
                f"{self.name}: none of {len(self.queries)} queries has both labels and hits; do their ids agree?",
                field="labels",
            )
        blank = next((id for id in ids if not self.queries[id].strip()), None)
        if blank is not None:
            raise InvalidInput(f"{self.name}: the query {blank!r} is blank", field="query")
        bare = next((hit.id for id in ids for hit in self.hits[id] if hit.passage is None), None)
        if bare is not None:
            raise InvalidInput(
                f"{self.name}: passage {bare!r} is in a hit list but has no text", field="passages"
            )
        return self


def halves(ids: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Two parts of about the same size; which one a query is in depends on its id alone."""
    first = tuple(id for id in ids if hashlib.sha256(id.encode()).digest()[0] % 2 == 0)
    chosen = set(first)
    return first, tuple(id for id in ids if id not in chosen)


def hit_list(
    ids: Iterable[str], passages: Mapping[str, str], scores: Mapping[str, float] | None = None
) -> tuple[Candidate, ...]:
    """Hits in that order, with the texts that are known."""
    return tuple(Candidate(id, passages.get(id), None if scores is None else scores.get(id)) for id in ids)


def first_repeated(hits: Iterable[Candidate]) -> str | None:
    """An id that a list has twice: measures would count its passage twice."""
    times = Counter(hit.id for hit in hits)
    return next((id for id, count in times.items() if count > 1), None)


class SearchedHits(Mapping[str, tuple[Candidate, ...]]):
    """Hit lists by query id that are searched for when somebody asks for them: a sample of a large set needs few."""

    def __init__(self, queries: Mapping[str, str], search: Callable[[str], tuple[Candidate, ...]]) -> None:
        self._queries = queries
        self._search = search
        self._found: dict[str, tuple[Candidate, ...]] = {}

    def __getitem__(self, query: str) -> tuple[Candidate, ...]:
        if query not in self._found:
            self._found[query] = self._search(self._queries[query])
        return self._found[query]

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)

    def __len__(self) -> int:
        return len(self._queries)


def of_dataset(
    dataset: Dataset, search: Callable[[str], tuple[Candidate, ...]], name: str = "jaquad"
) -> Collection:
    """The set that ships, with a first stage that finds hits by the text of a question."""
    queries = {str(number): question.text for number, question in enumerate(dataset.questions)}
    labels = {str(number): {question.passage_id: 1} for number, question in enumerate(dataset.questions)}
    return Collection(name, queries, labels, SearchedHits(queries, search))
