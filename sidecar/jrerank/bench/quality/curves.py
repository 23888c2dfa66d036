"""What a depth and a deadline cost in quality, so that both can be picked by looking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jrerank.bench.quality.evaluate import Answers
from jrerank.bench.quality.orders import ordered, scored_within, seconds_for
from jrerank.bench.quality.scores import QueryScores
from jrerank.bench.report.schema import Curve, Point, Series
from jrerank.evaluation.collection import Collection
from jrerank.evaluation.measures import Measure
from jrerank.evaluation.significance import bootstrap

_DEPTHS = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)
_DEADLINES = 12


def curves(systems: Sequence[Answers], collection: Collection, measure: Measure, depth: int) -> list[Curve]:
    """Of the systems whose scores are known, by the model's order alone."""
    known = [one for one in systems if one.scores]
    if not known:
        return []
    by_depth = [(one.name, _by_depth(one, collection, measure, depth)) for one in known]
    return [
        Curve(
            title=f"{measure} by depth: how many hits are reranked",
            x_label="hits reranked",
            y_label=str(measure),
            series=tuple(Series(name=name, points=tuple(p for p, _ in points)) for name, points in by_depth),
        ),
        Curve(
            title=f"{measure} by cost: mean time per query at each depth",
            x_label="ms per query",
            y_label=str(measure),
            logarithmic=True,
            series=tuple(
                Series(name=name, points=tuple(_at(p, cost) for p, cost in points if cost > 0))
                for name, points in by_depth
            ),
        ),
        Curve(
            title=f"{measure} by deadline: what is not scored by then keeps its old place",
            x_label="deadline in ms",
            y_label=str(measure),
            logarithmic=True,
            series=tuple(
                Series(name=one.name, points=tuple(_by_deadline(one, collection, measure, depth)))
                for one in known
            ),
        ),
    ]


def depths(deepest: int) -> list[int]:
    """Those that are drawn, up to the deepest list."""
    return [depth for depth in _DEPTHS if depth < deepest] + [deepest]


def _by_depth(
    answers: Answers, collection: Collection, measure: Measure, deepest: int
) -> list[tuple[Point, float]]:
    """With the mean milliseconds of each, over the queries that were scored."""
    scores = answers.scores or {}
    points = []
    for depth in depths(deepest):
        point = _point(depth, scores, collection, measure, deepest, dict.fromkeys(scores, depth))
        costs = [seconds_for(collection.candidates(id, deepest), scores[id], depth) for id in scores]
        points.append((point, 1000 * sum(costs) / len(costs)))
    return points


def _by_deadline(answers: Answers, collection: Collection, measure: Measure, deepest: int) -> list[Point]:
    scores = answers.scores or {}
    slowest = max(one.seconds for one in scores.values())
    points = []
    for step in range(_DEADLINES, -1, -1):
        deadline = slowest * 2 ** (-step / 1.5)
        reached = {
            id: scored_within(collection.candidates(id, deepest), scores[id], deadline * 1.001)
            for id in scores
        }
        points.append(_point(1000 * deadline, scores, collection, measure, deepest, reached))
    return points


def _point(
    x: float,
    scores: Mapping[str, QueryScores],
    collection: Collection,
    measure: Measure,
    deepest: int,
    scored: Mapping[str, int],
) -> Point:
    """The mean over the measurable queries, each with its first `scored` hits reranked; one without hits counts 0."""

    def value(id: str) -> float:
        order = ordered(collection.candidates(id, deepest), scores[id], scored=scored[id])
        return measure.of(order, collection.labels[id])

    values = [value(id) if id in scores else 0.0 for id in collection.measurable]
    interval = bootstrap(values, resamples=2_000)
    return Point(x=x, y=interval.mean, low=interval.low, high=interval.high)


def _at(point: Point, x: float) -> Point:
    return point.model_copy(update={"x": x})
