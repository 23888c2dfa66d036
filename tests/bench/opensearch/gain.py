"""The demo's questions: BM25 with kuromoji, reranked in the pipeline, and by asking the sidecar directly over HTTP.

First of all through the pipeline that README.md's command makes, with its window and its time; then without haste, window 20.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import httpx

from jrerank.admin.demo.command import fusion_weight
from jrerank.admin.demo.comparison import Sidecar, stage_figures
from jrerank.admin.demo.opensearch import weight_for_kuromoji
from jrerank.admin.demo.opensearch_index import PassageIndex, create_passage_index
from jrerank.admin.demo.sidecar import running_sidecar
from jrerank.admin.opensearch.plugin_route import PluginRoute, pipeline_body, read_fusion
from jrerank.admin.opensearch_node.node import Node
from jrerank.domain import Candidate
from jrerank.evaluation.dataset import Question, load_dataset

README = Path(__file__).parents[3] / "README.md"
AS_IN_README = "README's pipeline"
WINDOW = 20
FUSION_WEIGHT = weight_for_kuromoji(fusion_weight("bundled"))
Lists = dict[str, tuple[str, ...]]


def main(questions: int) -> bool:
    """Whether what README.md's command makes is better than BM25, beyond chance."""
    dataset = load_dataset()
    sample = dataset.sample(questions)
    with (
        running_sidecar("bundled", "int8") as sidecar_url,
        Node(settings={"jrerank.endpoint.sidecar.urls": sidecar_url}, jvm=()) as node,
        httpx.Client(base_url=node.url, timeout=60, trust_env=False) as opensearch,
        httpx.Client(base_url=sidecar_url, timeout=60, trust_env=False) as direct,
    ):
        index = create_passage_index(opensearch, dataset.passages, WINDOW, FUSION_WEIGHT)
        _put_as_in_readme(opensearch)
        in_readme = [_as_in_readme(opensearch, question) for question in sample]
        sidecar = Sidecar(direct)
        answered = [
            {**_answered(question, index, sidecar, dataset.passages), AS_IN_README: ids}
            for question, (ids, _) in zip(sample, in_readme, strict=True)
        ]
    print(
        f"gain, {questions} questions, BM25's top {WINDOW}, the bundled model, fusion linear:{FUSION_WEIGHT:.1f}: "
        "nDCG@10, MRR@10, nDCG over BM25's with its 95 % interval"
    )
    lists_of = {way: [lists[way] for lists in answered] for way in answered[0]}
    figures = stage_figures(lists_of, [question.passage_id for question in sample])
    for way, found in figures.items():
        over = (
            f"{found.gain.mean:+.4f} ({found.gain.low:+.4f} to {found.gain.high:+.4f})" if found.gain else ""
        )
        print(f"  {way:<24} {found.ndcg:.4f}  {found.reciprocal_rank:.4f}  {over}", flush=True)
    same = sum(lists["reranked, pipeline"] == lists["reranked, HTTP"] for lists in answered)
    print(f"  same order through the pipeline and over HTTP: {same} of {questions}")
    print(
        f"  {AS_IN_README}: {readme_fusion()}, {dict(Counter(outcome for _, outcome in in_readme))}",
        flush=True,
    )
    gain = figures[AS_IN_README].gain
    return gain is not None and gain.low > 0


def readme_fusion() -> str:
    """As README.md's command has it."""
    found = re.search(r"opensearch setup .*--fusion (\S+)", README.read_text(encoding="utf-8"))
    assert found
    return found[1]


def _put_as_in_readme(opensearch: httpx.Client) -> None:
    """What `jrerank-admin opensearch setup` writes, with its defaults."""
    route = PluginRoute("readme", ("title", "body"), fusion=read_fusion(readme_fusion()))
    opensearch.put("/_search/pipeline/readme", json=pipeline_body(route, "sidecar")).raise_for_status()


def _as_in_readme(opensearch: httpx.Client, question: Question) -> tuple[tuple[str, ...], str]:
    body = {"query": {"match": {"text": question.text}}, "size": WINDOW, "_source": False}
    answer = opensearch.post("/passages/_search", json=body, params={"search_pipeline": "readme"}).json()
    return tuple(hit["_id"] for hit in answer["hits"]["hits"]), answer["ext"]["jrerank"]["outcome"]


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
