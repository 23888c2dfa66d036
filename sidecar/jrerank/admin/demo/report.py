"""What a demo prints: examples and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jrerank.admin.texts import plain

if TYPE_CHECKING:
    from rich.text import Text

    from jrerank.admin.demo.comparison import Answered
    from jrerank.evaluation.dataset import Question
    from jrerank.evaluation.significance import Interval

_SHOWN = 3


def print_examples(answered: Sequence[Answered], passages: Mapping[str, str]) -> None:
    """A few questions for which the right hit came nearest to the top."""
    from rich.console import Console
    from rich.table import Table

    from jrerank.evaluation.measures import reciprocal_rank

    def gain(one: Answered) -> float:
        labels = {one.question.passage_id: 1}
        return reciprocal_rank(one.fused, labels, 10) - reciprocal_rank(one.first_stage, labels, 10)

    for one in sorted(answered, key=gain, reverse=True)[:_SHOWN]:
        table = Table("", "BM25", "reranked", title=plain(one.question.text), title_justify="left")
        for rank, ids in enumerate(zip(one.first_stage[:3], one.fused[:3], strict=True), start=1):
            table.add_row(str(rank), *(_shown(id, one.question.passage_id, passages[id]) for id in ids))
        Console().print(table)


def _shown(id: str, right: str, passage: str) -> Text:
    from rich.text import Text

    title, _, text = passage.partition("\n")
    mark = Text("✔ ", style="bold green") if id == right else Text()
    return mark + plain(f"{title}: {text[:28]}…")


def print_figures(answered: Sequence[Answered], window: int, reranking: str = "rerank") -> None:
    """nDCG@10 and MRR@10 before and after, and the times; `reranking` says what the second time is of."""
    stages = {
        "BM25": [one.first_stage for one in answered],
        "reranker alone": [one.reranked for one in answered],
        "fusion of both": [one.fused for one in answered],
    }
    print_stages(stages, [one.question for one in answered], f"BM25's top {window}")
    print_times(
        {
            "search": [one.search_s for one in answered],
            reranking: [one.rerank_s for one in answered],
        }
    )


def print_times(times_s: Mapping[str, Sequence[float]]) -> None:
    """The median and the 95th percentile of each, and the machine."""
    from jrerank.bench.machine import describe_machine

    machine = describe_machine()
    each = ", ".join(f"{what} {_milliseconds(times)}" for what, times in times_s.items())
    print(f"Median per question: {each}, on {machine.cpu} ({machine.cores} cores).")


def _milliseconds(times_s: Sequence[float]) -> str:
    ordered = sorted(times_s)
    median, p95 = (1000 * ordered[int(share * (len(ordered) - 1) + 0.5)] for share in (0.5, 0.95))
    return f"{median:.1f} ms (p95 {p95:.1f})"


def print_stages(
    stages: Mapping[str, Sequence[Sequence[str]]], questions: Sequence[Question], title: str
) -> None:
    """Each stage's figures, and what it gains over the first; its hit lists are in the order of the questions."""
    from rich.console import Console
    from rich.table import Table

    from jrerank.admin.demo.comparison import stage_figures

    first, *_ = stages
    gained = f"over {first} (95 % interval)"
    table = Table("", "nDCG@10", "MRR@10", gained, title=f"{len(questions)} questions, {title}")
    relevant = [question.passage_id for question in questions]
    for name, found in stage_figures(stages, relevant).items():
        gain = "" if found.gain is None else shown_gain(found.gain)
        table.add_row(name, f"{found.ndcg:.4f}", f"{found.reciprocal_rank:.4f}", gain)
    Console().print(table)


def shown_gain(gain: Interval) -> str:
    """The mean, and the interval's ends."""
    return f"{gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"
