"""A search that is reranked in its pipeline, against a search and a rerank that its caller asks for one after the other."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY, load
from integration.opensearch.search import Engine, marker
from jrerank.admin.opensearch_node.node import Node
from sidecars import running_sidecar

WINDOW = 100
WARM_ROUNDS = 200


def main(rounds: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_sidecar(Path(folder)) as sidecar,
        Node(settings={"jrerank.endpoint.main.urls": sidecar.url}, jvm=()) as node,
        Engine(node.url) as engine,
        sidecar.client() as direct,
    ):
        engine.put_pipeline("rerank", WINDOW, PASSAGE_FIELDS, endpoint="main", timeout_ms=60_000)
        load(engine, "docs", kuromoji=True, default_pipeline="rerank")
        through, both = _ways(engine, direct)
        for _ in range(WARM_ROUNDS):
            through()
            both()
        pairs = [(_ms(through), _ms(both)) for _ in range(rounds)]
    difference = statistics.median(one - other for one, other in pairs)
    medians = [statistics.median(times) for times in zip(*pairs, strict=True)]
    print(
        f"overhead, window {WINDOW}, scores cached, {rounds} rounds: through the pipeline {medians[0]:.1f} ms, "
        f"search + rerank {medians[1]:.1f} ms, median difference {difference:+.1f} ms (target < 5)",
        flush=True,
    )


def _ways(engine: Engine, direct: httpx.Client) -> tuple[Callable[[], object], Callable[[], object]]:
    """Both send ready bytes and parse nothing, so that what is compared is not Python's work.

    The sidecar has every score in its cache: the model's time would be the same in both, and drown the difference.
    """
    page = {"query": {"match": {"body": QUERY}}, "size": 10, "_source": False}
    whole = {"query": {"match": {"body": QUERY}}, "size": WINDOW, "_source": PASSAGE_FIELDS}
    hits = engine.plain(whole)["hits"]["hits"]
    texts = ["\n".join(hit["_source"][field] for field in PASSAGE_FIELDS) for hit in hits]
    question = {
        "query": QUERY,
        "hits": [
            {"id": hit["_id"], "text": text, "score": hit["_score"]}
            for hit, text in zip(hits, texts, strict=True)
        ],
    }
    page_bytes, whole_bytes, question_bytes = map(_bytes, (page, whole, question))
    headers = {"content-type": "application/json"}
    assert marker(engine.search(page))["reranked"] == WINDOW

    def through() -> None:
        engine.http.post("docs/_search", content=page_bytes, headers=headers).raise_for_status()

    def both() -> None:
        engine.http.post(
            "docs/_search", content=whole_bytes, headers=headers, params={"search_pipeline": "_none"}
        ).raise_for_status()
        direct.post("/v1/hits", content=question_bytes, headers=headers).raise_for_status()

    return through, both


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _ms(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return (time.perf_counter() - started) * 1000
