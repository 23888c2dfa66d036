"""Asks a running sidecar over HTTP, as a search application would, and measures what it made of the hit lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import httpx

from jrerank.domain import Candidate
from jrerank.evaluation.dataset import Question
from jrerank.evaluation.measures import ndcg, reciprocal_rank

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
    """Means over all questions."""

    ndcg: float
    reciprocal_rank: float


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
        ndcg=sum(ndcg(ids, {relevant: 1}, 10) for ids, relevant in pairs) / len(pairs),
        reciprocal_rank=sum(reciprocal_rank(ids, {relevant: 1}, 10) for ids, relevant in pairs) / len(pairs),
    )
