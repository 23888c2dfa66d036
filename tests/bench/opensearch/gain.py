"""The demo's questions: BM25 with kuromoji, reranked in the pipeline, and by asking the sidecar directly over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import httpx

from jrerank.admin.demo.command import fusion_weight
from jrerank.admin.demo.comparison import Sidecar, stage_figures
from jrerank.admin.demo.opensearch import weight_for_kuromoji
from jrerank.admin.demo.opensearch_index import PassageIndex, create_passage_index
from jrerank.admin.demo.sidecar import running_sidecar
from jrerank.admin.opensearch_node.node import Node
from jrerank.domain import Candidate
from jrerank.evaluation.dataset import Question, load_dataset

WINDOW = 20
FUSION_WEIGHT = weight_for_kuromoji(fusion_weight("bundled"))
Lists = dict[str, tuple[str, ...]]


def main(questions: int) -> None:
    dataset = load_dataset()
    sample = dataset.sample(questions)
    with (
        running_sidecar("bundled", "int8") as sidecar_url,
        Node(settings={"jrerank.endpoint.sidecar.urls": sidecar_url}, jvm=()) as node,
        httpx.Client(base_url=node.url, timeout=60, trust_env=False) as opensearch,
        httpx.Client(base_url=sidecar_url, timeout=60, trust_env=False) as direct,
    ):
        index = create_passage_index(opensearch, dataset.passages, WINDOW, FUSION_WEIGHT)
        sidecar = Sidecar(direct)
        answered = [_answered(question, index, sidecar, dataset.passages) for question in sample]
    print(
        f"gain, {questions} questions, BM25's top {WINDOW}, the bundled model, fusion linear:{FUSION_WEIGHT:.1f}: "
        "nDCG@10, MRR@10, nDCG over BM25's with its 95 % interval"
    )
    lists_of = {way: [lists[way] for lists in answered] for way in answered[0]}
    for way, found in stage_figures(lists_of, [question.passage_id for question in sample]).items():
        over = (
            f"{found.gain.mean:+.4f} ({found.gain.low:+.4f} to {found.gain.high:+.4f})" if found.gain else ""
        )
        print(f"  {way:<24} {found.ndcg:.4f}  {found.reciprocal_rank:.4f}  {over}", flush=True)
    same = sum(lists["reranked, pipeline"] == lists["reranked, HTTP"] for lists in answered)
    print(f"  same order through the pipeline and over HTTP: {same} of {questions}", flush=True)


def _answered(
    question: Question, index: PassageIndex, sidecar: Sidecar, passages: Mapping[str, str]
) -> Lists:
    first = index.first_stage(question.text)
    candidates: Sequence[Candidate] = [replace(hit, passage=passages[hit.id]) for hit in first.hits]
    return {
        "BM25": first.ids,
        "reranked, pipeline": index.reranked(question.text).ids,
        "reranked, HTTP": sidecar.rerank(question.text, candidates),
        "fused, pipeline": index.fused(question.text).ids,
        "fused, HTTP": sidecar.rerank(question.text, candidates, FUSION_WEIGHT),
    }
