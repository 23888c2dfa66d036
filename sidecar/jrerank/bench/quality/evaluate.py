"""From each system's orders to figures, differences and examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from jrerank.bench.quality.orders import Orders
from jrerank.bench.quality.scores import QueryScores
from jrerank.bench.report.schema import Difference, Example, Figure, Hit, System
from jrerank.evaluation.collection import Collection
from jrerank.evaluation.measures import Measure
from jrerank.evaluation.significance import bootstrap, holm, paired_randomization

_EXAMPLES, _EXAMPLE_HITS, _TEXT_CHARS = 5, 5, 90


@dataclass(frozen=True, slots=True)
class Answers:
    """What a system made of every query; `scores` where it is a model whose logits are known.

    `seconds` and `tokens` are of the queries that were asked alone; `notes` go into the report.
    """

    name: str
    description: str
    orders: Orders
    seconds: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[str, QueryScores] | None = None
    notes: tuple[str, ...] = ()

    def order(self, query: str) -> Sequence[str]:
        """Ids from the best; none for a query that the system has no list for, which then counts 0."""
        return self.orders.get(query, ())


def figures(answers: Answers, collection: Collection, measures: Sequence[Measure]) -> System:
    """Means over the measurable queries with their intervals, and what a query costs that was asked."""
    ids = collection.measurable
    found = [_measured(answers, collection, measure, ids) for measure in measures]
    if seconds := [answers.seconds[id] for id in ids if id in answers.seconds]:
        found.append(_cost(seconds, len(ids)))
    tokens = [answers.tokens[id] for id in ids if id in answers.tokens]
    if any(tokens):
        found.append(Figure(name="tokens per query", value=sum(tokens) / len(tokens), unit="tokens"))
    return System(name=answers.name, description=answers.description, figures=tuple(found))


def values(answers: Answers, collection: Collection, measure: Measure) -> list[float]:
    """One per measurable query."""
    return [measure.of(answers.order(id), collection.labels[id]) for id in collection.measurable]


def differences(
    systems: Sequence[Answers], collection: Collection, measures: Sequence[Measure]
) -> list[Difference]:
    """In the first measure every pair of systems, in the others all against the first; corrected for all of them together."""
    table = {(one.name, measure): values(one, collection, measure) for one in systems for measure in measures}
    rows = [
        _difference(first.name, second.name, measure, table[first.name, measure], table[second.name, measure])
        for measure in measures
        for first, second in combinations(systems, 2)
        if measure == measures[0] or first is systems[0]
    ]
    adjusted = holm([row.p for row in rows])
    return [row.model_copy(update={"p_adjusted": p}) for row, p in zip(rows, adjusted, strict=True)]


def examples(before: Answers, after: Answers, collection: Collection, measure: Measure) -> list[Example]:
    """The queries with the largest gains, then those with the largest losses."""
    ids = collection.measurable
    old, new = (dict(zip(ids, values(one, collection, measure), strict=True)) for one in (before, after))
    by_gain = sorted(ids, key=lambda id: old[id] - new[id])
    chosen = [id for id in by_gain[:_EXAMPLES] if new[id] > old[id]]
    chosen += [id for id in reversed(by_gain[-_EXAMPLES:]) if new[id] < old[id]]
    return [
        Example(
            query=collection.queries[id],
            system=after.name,
            figure=str(measure),
            before=old[id],
            after=new[id],
            hits_before=_hits(before.order(id), id, collection),
            hits_after=_hits(after.order(id), id, collection),
        )
        for id in chosen
    ]


def _measured(answers: Answers, collection: Collection, measure: Measure, ids: Iterable[str]) -> Figure:
    samples = values(answers, collection, measure)
    interval = bootstrap(samples)
    return Figure(
        name=str(measure),
        value=interval.mean,
        better="higher",
        low=interval.low,
        high=interval.high,
        samples=tuple(samples),
    )


def _cost(seconds: Sequence[float], queries: int) -> Figure:
    """Its samples only where each query has one: the report's `sample_ids` name the query of each."""
    samples = [1000 * one for one in seconds]
    interval = bootstrap(samples)
    return Figure(
        name="time per query",
        value=interval.mean,
        unit="ms",
        low=interval.low,
        high=interval.high,
        samples=tuple(samples) if len(samples) == queries else (),
    )


def _difference(
    baseline: str, system: str, measure: Measure, before: Sequence[float], after: Sequence[float]
) -> Difference:
    changes = [new - old for old, new in zip(before, after, strict=True)]
    interval = bootstrap(changes)
    p = paired_randomization(changes)
    wins, losses = sum(change > 0 for change in changes), sum(change < 0 for change in changes)
    return Difference(
        figure=str(measure),
        baseline=baseline,
        system=system,
        difference=interval.mean,
        low=interval.low,
        high=interval.high,
        p=p,
        p_adjusted=p,
        wins=wins,
        losses=losses,
        ties=len(changes) - wins - losses,
    )


def _hits(ids: Sequence[str], query: str, collection: Collection) -> tuple[Hit, ...]:
    texts = {hit.id: hit.passage or "" for hit in collection.hits.get(query, ())}
    labels = collection.labels[query]
    return tuple(
        Hit(id=id, text=" ".join(texts.get(id, id).split())[:_TEXT_CHARS], gain=labels.get(id, 0))
        for id in ids[:_EXAMPLE_HITS]
    )
