"""What the hybrid demo prints: each stage, what a reranker can reach, what it gains over the list that it reads, the times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jrerank.admin.demo.comparison import stage_figures
from jrerank.admin.demo.report import print_stages, print_times, shown_gain

if TYPE_CHECKING:
    from jrerank.admin.demo.hybrid import Measured

Lists = Sequence[Sequence[str]]


def print_hybrid(measured: Measured, window: int) -> None:
    """The first three stages are the searches, the third of which the others rerank."""
    print_stages(
        measured.stages, measured.questions, f"{window} hits of each, one SQL statement per question"
    )
    relevant = [question.passage_id for question in measured.questions]
    names = list(measured.stages)
    searches, given = names[:3], names[2]
    found = (f"{name} {_percent_found(measured.stages[name], relevant):.1f} %" for name in searches)
    print(f"The right passage is among the {window} hits: {', '.join(found)}.")
    print("\n".join(_over_the_given(measured.stages, given, names[3:], relevant)))
    print_times(
        {
            "embedding the question": measured.embedding_s,
            "search": measured.search_s,
            "search with reranking": measured.reranked_search_s,
        }
    )


def _percent_found(lists: Lists, relevant: Sequence[str]) -> float:
    return 100 * sum(id in ids for ids, id in zip(lists, relevant, strict=True)) / len(relevant)


def _over_the_given(
    stages: Mapping[str, Lists], given: str, names: Sequence[str], relevant: Sequence[str]
) -> list[str]:
    figures = stage_figures({name: stages[name] for name in (given, *names)}, relevant)
    gains = ((name, figures[name].gain) for name in names)
    return [f"{name} over {given}: {shown_gain(gain)}." for name, gain in gains if gain is not None]
