"""How the demo ends: what was gained, how sure that is, what it costs, and a report that shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jrerank.bench.quality.evaluate import Answers
from jrerank.bench.quality.run import Plan, report
from jrerank.bench.report.html import write_html
from jrerank.domain import Candidate
from jrerank.evaluation.collection import Collection
from jrerank.evaluation.measures import Measure

if TYPE_CHECKING:
    from jrerank.admin.demo.comparison import Answered
    from jrerank.bench.report.schema import Report

_MEASURES = (Measure("nDCG", 10), Measure("MRR", 10))
_FIRST, _MODEL, _FUSED = "BM25", "reranker alone", "fusion of both"


def gain_report(
    answered: Sequence[Answered], passages: Mapping[str, str], window: int, engine: str
) -> Report:
    """BM25, the model and their fusion on the demo's questions."""
    ids = [str(number) for number in range(len(answered))]
    by_id = dict(zip(ids, answered, strict=True))
    collection = Collection(
        "the demo's questions",
        {id: one.question.text for id, one in by_id.items()},
        {id: {one.question.passage_id: 1} for id, one in by_id.items()},
        {id: tuple(Candidate(hit, passages[hit]) for hit in one.first_stage) for id, one in by_id.items()},
    )

    def answers(
        name: str, order: Callable[[Answered], tuple[str, ...]], cost: Callable[[Answered], float]
    ) -> Answers:
        return Answers(
            name,
            f"in {engine}",
            {id: order(one) for id, one in by_id.items()},
            {id: cost(one) for id, one in by_id.items()},
        )

    systems = [
        answers(_FIRST, lambda one: one.first_stage, lambda one: one.search_s),
        answers(_MODEL, lambda one: one.reranked, lambda one: one.rerank_s),
        answers(_FUSED, lambda one: one.fused, lambda one: one.rerank_s),
    ]
    plan = Plan(
        collection, _MEASURES, window, fusion=False, first_stage=_FIRST, parameters={"engine": engine}
    )
    return report(plan, systems, f"Demo: {len(answered)} questions, BM25's top {window} in {engine}")


def print_gain(made: Report, html: Path) -> None:
    """Write the report, and say in two lines what is in it.

    Raises:
        InvalidInput: the file can't be written.
    """
    write_html(made, html)
    gain = next(one for one in made.differences if (one.baseline, one.system) == (_FIRST, _FUSED))
    cost = next(system.figure("time per query") for system in made.systems if system.name == _FUSED)
    print(
        f"Gain: {gain.difference:+.4f} {gain.figure} (95 % interval {gain.low:+.4f} to {gain.high:+.4f}, p = {gain.p_adjusted:.2g};"
        f" {gain.wins} questions better, {gain.losses} worse)."
    )
    if cost is not None:
        print(f"Cost: {cost.value:.0f} ms per query on this machine. Report: {html}")
