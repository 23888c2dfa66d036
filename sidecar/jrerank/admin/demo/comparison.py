"""Asks a running sidecar over HTTP, as a search application would, and measures what it made of the hit lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import httpx

from jrerank.domain import Candidate
from jrerank.evaluation.dataset import Question
from jrerank.evaluation.measures import ndcg, reciprocal_rank
from jrerank.evaluation.significance import Interval, bootstrap

Search = Callable[[str], Sequence[Candidate]]


@dataclass(frozen=True, slots=True)
class Answered:
    """One question: the ids in the order of the first stage, of the model alone and of their fusion, and the times taken."""

    question: Question
    first_stage: tuple[str, ...]
    reranked: tuple[str, ...]
    fused: tuple[str, ...]
    search_s: float
    rerank_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over all questions; `gain` is that of nDCG@10 over the first stage, with its 95 % interval (none: the first stage)."""

    ndcg: float
    reciprocal_rank: float
    gain: Interval | None = None


class Sidecar:
    """`POST /v1/hits` of a running sidecar."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def rerank(
        self, query: str, candidates: Sequence[Candidate], fusion_weight: float | None = None
    ) -> tuple[str, ...]:
        """The candidates' ids in their new order.

        Raises:
            httpx.HTTPStatusError: the sidecar refused.
        """
        hits = [{"id": c.id, "text": c.passage, "score": c.score} for c in candidates]
        fusion = None if fusion_weight is None else {"method": "linear", "weight": fusion_weight}
        response = self._client.post("/v1/hits", json={"query": query, "hits": hits, "fusion": fusion})
        response.raise_for_status()
        return tuple(hit["id"] for hit in response.json()["hits"])


def ask(question: Question, search: Search, sidecar: Sidecar, fusion_weight: float) -> Answered:
    """Search, rerank, and fuse; the fusion finds all scores in the sidecar's cache, so its time is not counted."""
    started = time.perf_counter()
    candidates = search(question.text)
    searched = time.perf_counter()
    reranked = sidecar.rerank(question.text, candidates)
    answered = time.perf_counter()
    fused = sidecar.rerank(question.text, candidates, fusion_weight)
    first_stage = tuple(candidate.id for candidate in candidates)
    return Answered(question, first_stage, reranked, fused, searched - started, answered - searched)


def figures(lists: Iterable[tuple[Sequence[str], str]]) -> Figures:
    """nDCG@10 and MRR@10 of hit lists, each with the id of its relevant passage."""
    pairs = list(lists)
    return Figures(
        ndcg=sum(_ndcg(ids, relevant) for ids, relevant in pairs) / len(pairs),
        reciprocal_rank=sum(reciprocal_rank(ids, {relevant: 1}, 10) for ids, relevant in pairs) / len(pairs),
    )


def stage_figures(
    stages: Mapping[str, Sequence[Sequence[str]]], relevant: Sequence[str]
) -> dict[str, Figures]:
    """Of each stage's hit lists, which are in the order of the relevant ids; the first stage is what others are held against."""
    first, *_ = stages.values()
    return {
        name: replace(
            figures(zip(lists, relevant, strict=True)),
            gain=None if lists is first else _gain(first, lists, relevant),
        )
        for name, lists in stages.items()
    }


def _gain(
    before: Sequence[Sequence[str]], after: Sequence[Sequence[str]], relevant: Sequence[str]
) -> Interval:
    return bootstrap([_ndcg(a, id) - _ndcg(b, id) for b, a, id in zip(before, after, relevant, strict=True)])


def _ndcg(ids: Sequence[str], relevant: str) -> float:
    return ndcg(ids, {relevant: 1}, 10)
