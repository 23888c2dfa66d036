"""From scores to a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from jrerank.bench.quality.curves import depths
from jrerank.bench.quality.evaluate import Answers
from jrerank.bench.quality.run import Plan, first_stage, report, score
from jrerank.bench.quality.scores import QueryScores, ScoreFile
from jrerank.domain import Candidate
from jrerank.errors import EngineError
from jrerank.evaluation.measures import Measure
from unit.bench.collections import small_collection

MEASURES = [Measure("nDCG", 10), Measure("MRR", 10)]


@dataclass
class Oracle:
    """A scorer that knows the relevant passage (p2); it fails after so many queries."""

    name: str = "oracle int8"
    description: str = "knows it"
    key: str = "oracle"
    fails_after: int = 1_000
    notes: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    async def score(self, query: str, candidates: Sequence[Candidate]) -> QueryScores:
        if len(self.asked) >= self.fails_after:
            raise EngineError
        self.asked.append(query)
        return QueryScores(
            tuple(5.0 if hit.id == "p2" else -hit.score / 9 for hit in candidates if hit.score), 0.06, 60
        )


def plan(depth: int = 6) -> Plan:
    return Plan(small_collection(), MEASURES, depth)


def silent(_: str, __: int, ___: int) -> None:
    pass


async def answers(depth: int = 6) -> list[Answers]:
    return [first_stage(plan(depth)), await score(plan(depth), Oracle(), ScoreFile(None), silent)]


async def test_the_report_has_gains_costs_curves_and_advice() -> None:
    made = report(plan(), await answers())
    before, oracle, _ = made.systems
    assert [one.name for one in made.systems] == ["first stage", "oracle int8", "oracle int8 + first stage"]
    ndcg, mrr = (oracle.figure(name) for name in ("nDCG@10", "MRR@10"))
    assert ndcg is not None
    assert mrr is not None
    assert (ndcg.value, mrr.value, ndcg.samples) == (1.0, 1.0, (1.0,) * 8)
    first_mrr = before.figure("MRR@10")
    assert first_mrr is not None
    assert first_mrr.value == pytest.approx(1 / 3)
    cost = oracle.figure("time per query")
    assert cost is not None
    assert cost.value == pytest.approx(60.0)
    gain = next(d for d in made.differences if (d.system, d.figure) == ("oracle int8", "nDCG@10"))
    assert gain.difference == pytest.approx(0.5)
    assert (gain.wins, gain.losses, gain.ties) == (8, 0, 0)
    assert gain.p == pytest.approx(2 / 2**8)
    assert gain.p_adjusted > gain.p
    assert made.examples[0].hits_after[0].gain == 1
    assert [setting.variable for setting in made.advice] == ["fusion.weight"]


async def test_the_curves_end_where_the_whole_list_is_scored() -> None:
    by_depth, by_cost, by_deadline = report(plan(), await answers()).curves
    assert [point.x for point in by_depth.series[0].points] == [0, 1, 2, 3, 5, 6]
    assert by_depth.series[0].points[0].y == pytest.approx(0.5), "nothing reranked is the first stage"
    assert by_depth.series[0].points[-1].y == by_deadline.series[0].points[-1].y == 1.0
    assert by_cost.series[0].points[-1].x == pytest.approx(60.0)
    assert by_deadline.series[0].points[-1].x == pytest.approx(60.0)


async def test_a_run_that_broke_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    file, first, second = tmp_path / "scores", Oracle(fails_after=3), Oracle()
    with pytest.raises(EngineError):
        await score(plan(), first, ScoreFile.open(file), silent)
    done = await score(plan(), second, ScoreFile.open(file), silent)
    assert (len(first.asked), len(second.asked)) == (3, 5)
    assert len(done.orders) == 8
    assert set(first.asked).isdisjoint(second.asked)
    assert done.notes == ("oracle int8: scores and times of 3 of 8 queries are an earlier run's",)


async def test_a_query_without_hits_counts_0_in_curves_too_and_costs_nothing() -> None:
    """Half of the queries: what is measured falls to half, what a query costs does not."""
    whole = small_collection()
    half = whole.with_hits({id: whole.hits[id] if place < 4 else () for place, id in enumerate(whole.hits)})
    part = Plan(half, MEASURES, depth=6)
    made = report(part, [first_stage(part), await score(part, Oracle(), ScoreFile(None), silent)])
    oracle, by_depth = made.systems[1], made.curves[0].series[0]
    values = {figure.name: figure.value for figure in oracle.figures}
    assert values["nDCG@10"] == by_depth.points[-1].y == 0.5
    assert values["time per query"] == pytest.approx(60.0)
    assert values["tokens per query"] == 60
    assert by_depth.points[0].y == pytest.approx(0.25), "the first stage's half"
    assert all(len(figure.samples) in {0, 8} for figure in oracle.figures), "else they stood by other queries"


async def test_what_a_reader_has_to_know_of_a_system_is_said_once() -> None:
    oracle = await score(plan(), Oracle(notes=("int8 was refused",)), ScoreFile(None), silent)
    made = report(plan(), [first_stage(plan()), oracle])
    assert made.notes.count("int8 was refused") == 1


async def test_queries_that_were_left_out_before_sampling_are_said() -> None:
    made = report(replace(plan(), unlabelled=5), await answers())
    assert "5 queries have no labels and are left out" in made.notes


@pytest.mark.parametrize(("depth", "notes"), [(4, 1), (6, 0)])
def test_a_depth_that_cuts_candidates_without_an_order_is_said(depth: int, notes: int) -> None:
    shuffled = replace(plan(depth), collection=replace(small_collection(), shuffled=True))
    made = report(shuffled, [first_stage(shuffled)])
    cut = f"the candidates of small have no order: a depth of {depth} leaves out some of 6 at random"
    assert made.notes.count(cut) == notes


async def test_what_no_reranker_can_reach_is_said() -> None:
    made = report(plan(depth=2), await answers(depth=2))
    assert "for 8 of 8 queries no relevant passage is among the hits" in made.notes[0]


async def test_what_int8_loses_is_said() -> None:
    oracle = await score(plan(), Oracle(), ScoreFile(None), silent)
    half = Answers("model int8", "", {**oracle.orders, **{f"q{n}": ("p0", "p2") for n in range(4)}})
    exact = Answers("model fp32", "", oracle.orders)
    made = report(plan(), [first_stage(plan()), half, exact])
    assert any(
        "model int8 keeps" in note and "of the gain in nDCG@10 that fp32 has" in note for note in made.notes
    )


def test_depths_end_with_the_deepest() -> None:
    assert depths(1) == [0, 1]
    assert depths(12) == [0, 1, 2, 3, 5, 7, 10, 12]
