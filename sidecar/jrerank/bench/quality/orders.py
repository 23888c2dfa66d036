"""From scores to orders: the model alone, its fusion with the first stage, and what a depth or a deadline leaves of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from jrerank.bench.quality.scores import QueryScores
from jrerank.domain import Candidate, Fusion, Scored
from jrerank.evaluation.collection import Collection, halves
from jrerank.evaluation.measures import Measure
from jrerank.ordering import order

# For linear fusion: none, and from 0.025 to 6.4 in steps of half a power of two
WEIGHTS = (0.0, *(0.025 * 2 ** (step / 2) for step in range(17)))

Orders = Mapping[str, tuple[str, ...]]


def ordered(
    candidates: Sequence[Candidate],
    scores: QueryScores,
    fusion: Fusion | None = None,
    scored: int | None = None,
) -> tuple[str, ...]:
    """The ids as the sidecar orders them when the model has read the first `scored` hits (all of them by default)."""
    read = [
        None if logit is None or (scored is not None and place >= scored) else Scored(logit, 0)
        for place, logit in enumerate(scores.logits)
    ]
    return tuple(hit.id for hit in order(candidates, read, fusion))


def scored_within(candidates: Sequence[Candidate], scores: QueryScores, seconds: float) -> int:
    """How many hits, in the first stage's order, are scored by then: the time of the list is spread over it by length."""
    lengths = accumulate(len(candidate.passage or "") + 1 for candidate in candidates)
    total = sum(len(candidate.passage or "") + 1 for candidate in candidates)
    return sum(scores.seconds * length / total <= seconds for length in lengths)


def seconds_for(candidates: Sequence[Candidate], scores: QueryScores, depth: int) -> float:
    """How long the first `depth` hits take."""
    lengths = [len(candidate.passage or "") + 1 for candidate in candidates]
    return scores.seconds * sum(lengths[:depth]) / sum(lengths) if lengths else 0.0


@dataclass(frozen=True, slots=True)
class FusedOrders:
    """Orders by fusion: each half of the queries with the weight that was best on the other half."""

    orders: Orders
    weights: tuple[float, float]
    best: float


def fuse(
    collection: Collection, scores: Mapping[str, QueryScores], measure: Measure, depth: int
) -> FusedOrders | None:
    """Choose weights on one half and read the other, both ways; None where hits have no first-stage score.

    `best` is the weight that is best on all queries, for use.
    """
    ids = [id for id in scores if collection.candidates(id, depth)]
    if not ids or any(c.score is None for id in ids for c in collection.candidates(id, depth)):
        return None

    def of(id: str, weight: float) -> tuple[str, ...]:
        return ordered(collection.candidates(id, depth), scores[id], Fusion("linear", weight))

    values = {id: [measure.of(of(id, w), collection.labels[id]) for w in WEIGHTS] for id in ids}
    parts = halves(ids)
    if not all(parts):
        return None
    weights = (_best(values, parts[1]), _best(values, parts[0]))
    orders = {id: of(id, weight) for part, weight in zip(parts, weights, strict=True) for id in part}
    return FusedOrders({id: orders[id] for id in ids}, weights, _best(values, ids))


def _best(values: Mapping[str, Sequence[float]], ids: Sequence[str]) -> float:
    means = [sum(values[id][place] for id in ids) for place in range(len(WEIGHTS))]
    return WEIGHTS[max(range(len(WEIGHTS)), key=lambda place: means[place])]
