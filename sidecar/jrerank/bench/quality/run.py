"""Scores every query with every system, and makes the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from jrerank import __version__
from jrerank.bench.machine import describe_machine, now
from jrerank.bench.quality.curves import curves
from jrerank.bench.quality.evaluate import Answers, differences, examples, figures
from jrerank.bench.quality.orders import fuse, ordered
from jrerank.bench.quality.scorers import Scorer
from jrerank.bench.quality.scores import QueryScores, ScoreFile, key_of
from jrerank.bench.report.names import distinct
from jrerank.bench.report.schema import Report, Setting
from jrerank.evaluation.collection import Collection
from jrerank.evaluation.measures import Measure

Progress = Callable[[str, int, int], None]
FIRST_STAGE = "first stage"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared: the first `depth` hits of each query. The first measure is the one that curves and fusion go by.

    `unlabelled` queries were left out of the collection before, since they have no labels.
    """

    collection: Collection
    measures: Sequence[Measure]
    depth: int
    fusion: bool = True
    first_stage: str = FIRST_STAGE
    parameters: Mapping[str, str] = field(default_factory=dict)
    unlabelled: int = 0

    @property
    def lists(self) -> Collection:
        """Cut to the depth."""
        kept = {id: self.collection.candidates(id, self.depth) for id in self.collection.queries}
        return self.collection.with_hits(kept)


def first_stage(plan: Plan, seconds: Mapping[str, float] | None = None) -> Answers:
    """The hit lists as they came."""
    lists = plan.lists
    orders = {id: tuple(hit.id for hit in lists.hits.get(id, ())) for id in lists.queries}
    return Answers(plan.first_stage, f"the first {plan.depth} hits in their own order", orders, seconds or {})


async def score(plan: Plan, scorer: Scorer, file: ScoreFile, progress: Progress) -> Answers:
    """Ask `scorer` for every measurable query that `file` doesn't know yet.

    Raises:
        JrerankError: a query can't be scored; what was scored before is in the file.
    """
    lists, scores, earlier = plan.lists, {}, 0
    ids = [id for id in lists.measurable if lists.hits.get(id)]
    for number, id in enumerate(ids, start=1):
        key = key_of(scorer.key, lists.queries[id], lists.hits[id])
        known = file.get(key)
        if known is None:
            known = await scorer.score(lists.queries[id], lists.hits[id])
            file.put(key, known)
        scores[id] = known
        earlier += file.is_earlier(key)
        progress(scorer.name, number, len(ids))
    return _answers(scorer, lists, scores, earlier)


def _answers(scorer: Scorer, lists: Collection, scores: Mapping[str, QueryScores], earlier: int) -> Answers:
    """The model's own order of each list."""
    resumed = f"{scorer.name}: scores and times of {earlier} of {len(scores)} queries are an earlier run's"
    return Answers(
        scorer.name,
        scorer.description,
        {id: ordered(lists.hits[id], one) for id, one in scores.items()},
        {id: one.seconds for id, one in scores.items()},
        {id: one.tokens for id, one in scores.items()},
        scores,
        (*scorer.notes, *([resumed] if earlier else [])),
    )


def report(plan: Plan, systems: Sequence[Answers], title: str | None = None) -> Report:
    """Of the first stage, the systems, and each model's fusion with the first stage. The first system is the baseline."""
    lists = plan.lists
    main = plan.measures[0]
    fused, advice = _with_fusions(plan, systems)
    rows = differences(fused, lists, plan.measures)
    best = max(fused[1:], key=lambda one: _mean(one, lists, main), default=None)
    return Report(
        kind="quality",
        title=title or f"Quality on {lists.name}: {len(lists.measurable)} queries, {plan.depth} hits each",
        created=now(),
        version=__version__,
        machine=describe_machine(),
        parameters=dict(plan.parameters),
        sample_ids=lists.measurable,
        systems=tuple(figures(one, lists, plan.measures) for one in fused),
        differences=tuple(rows),
        curves=tuple(curves(fused, lists, main, plan.depth)),
        examples=tuple(examples(fused[0], best, lists, main)) if best else (),
        advice=tuple(advice),
        notes=tuple(_notes(plan, fused)),
    )


def _with_fusions(plan: Plan, systems: Sequence[Answers]) -> tuple[list[Answers], list[Setting]]:
    names = distinct(one.name for one in systems)
    result = [replace(one, name=name) for one, name in zip(systems, names, strict=True)]
    advice = []
    for one in tuple(result):
        if not plan.fusion or one.scores is None:
            continue
        fusion = fuse(plan.lists, one.scores, plan.measures[0], plan.depth)
        if fusion is None:
            continue
        name = f"{one.name} + {plan.first_stage}"
        weights = " and ".join(f"{weight:.3g}" for weight in fusion.weights)
        description = f"linear fusion; each half of the queries read with the weight that was best on the other: {weights}"
        result.append(
            replace(one, name=name, description=description, orders=fusion.orders, scores=None, notes=())
        )
        reason = f"best {plan.measures[0]} of {name} on all queries; as `fusion` of a request"
        advice.append(Setting(variable="fusion.weight", value=f"{fusion.best:.3g}", reason=reason))
    return result, advice


def _mean(answers: Answers, lists: Collection, measure: Measure) -> float:
    return sum(measure.of(answers.order(id), lists.labels[id]) for id in lists.measurable)


def _notes(plan: Plan, systems: Sequence[Answers]) -> list[str]:
    lists, notes = plan.lists, []
    ids = lists.measurable
    out_of_reach = sum(not _reachable(lists, id) for id in ids)
    if out_of_reach:
        notes.append(
            f"for {out_of_reach} of {len(ids)} queries no relevant passage is among the hits: no reranker can gain there"
        )
    if unlabelled := plan.unlabelled + len(lists.queries) - len(ids):
        notes.append(f"{unlabelled} queries have no labels and are left out")
    notes += _cut_at_random(plan)
    notes += (note for one in systems for note in one.notes)
    notes += _lost_by_int8(plan, systems)
    if any(one.scores is not None for one in systems):
        notes.append(
            "times are of one query at a time; a deadline's and a depth's are computed from them by passage length"
        )
    return notes


def _cut_at_random(plan: Plan) -> list[str]:
    """A first stage's tail may be left out: it has the least likely hits. Of shuffled candidates it is any of them."""
    deepest = plan.collection.deepest if plan.collection.shuffled else 0
    if deepest <= plan.depth:
        return []
    return [
        f"the candidates of {plan.collection.name} have no order: a depth of {plan.depth} leaves out some of {deepest} at random"
    ]


def _reachable(lists: Collection, id: str) -> bool:
    return any(lists.labels[id].get(hit.id, 0) > 0 for hit in lists.hits.get(id, ()))


def _lost_by_int8(plan: Plan, systems: Sequence[Answers]) -> list[str]:
    """For each model that was measured in both precisions."""
    lists, measure = plan.lists, plan.measures[0]
    base = _mean(systems[0], lists, measure)
    means = {one.name: _mean(one, lists, measure) for one in systems[1:]}
    notes = []
    for name, value in means.items():
        gain = means.get(name.replace("int8", "fp32"), base) - base
        if "int8" in name and gain > 0:
            notes.append(
                f"{name} keeps {100 * (value - base) / gain:.1f} % of the gain in {measure} that fp32 has"
            )
    return notes
