"""A search that is reranked in its pipeline, against a search and a rerank that its caller asks for one after the other."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY, load, passages
from integration.opensearch.search import Engine, Json, marker
from jrerank.admin.opensearch_node.node import Node
from jrerank.stores.passage import cut
from sidecars import running_sidecar

WINDOW = 100
ALLOWED_MS = 5
WARM_ROUNDS = 200
SENT_CHARS = 8_192  # of a passage, as the plugin does: the model reads no more
LONG_CHARS = 100_000
HEAP = "2g"  # a search for all the long ones holds 30 MB of them
WIDE_INDEXES, WIDE_FIELDS = 60, 900
Way = Callable[[], object]


def main(rounds: int) -> bool:
    """Whether all differences are small enough."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_sidecar(Path(folder)) as sidecar,
        Node(settings={"jrerank.endpoint.main.urls": sidecar.url}, jvm=(), heap=HEAP) as node,
        Engine(node.url) as engine,
        sidecar.client() as direct,
    ):
        engine.put_pipeline("rerank", WINDOW, PASSAGE_FIELDS, endpoint="main", timeout_ms=600_000)
        load(engine, "docs", kuromoji=True, default_pipeline="rerank")
        _load_long(engine)
        _load_wide(engine)
        print(
            f"overhead, window {WINDOW}, scores cached, {rounds} rounds, medians (target: a difference < {ALLOWED_MS} ms)"
        )
        indexes = {
            "passages of some 300 characters": "docs",
            f"passages of {LONG_CHARS:,} characters": "long",
            f"{WIDE_INDEXES} indexes of {WIDE_FIELDS} fields": "wide-*",
        }
        differences_ms = [
            _measure(name, *_ways(engine, direct, index), rounds) for name, index in indexes.items()
        ]
        return max(differences_ms) < ALLOWED_MS


def _measure(name: str, through: Way, both: Way, rounds: int) -> float:
    for _ in range(min(WARM_ROUNDS, rounds)):
        through()
        both()
    pairs = [(_ms(through), _ms(both)) for _ in range(rounds)]
    difference = statistics.median(one - other for one, other in pairs)
    ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(
        f"  {name}: through the pipeline {ours:.1f} ms, search + rerank {theirs:.1f} ms, difference {difference:+.1f} ms",
        flush=True,
    )
    return difference


def _mappings(**more: Json) -> Json:
    text = {"type": "text", "analyzer": "kuromoji"}
    return {"properties": {**more, **dict.fromkeys(PASSAGE_FIELDS, text)}}


def _create(engine: Engine, index: str, mappings: Json) -> None:
    settings = {"number_of_shards": 1, "number_of_replicas": 0, "search.default_pipeline": "rerank"}
    engine.put(index, {"settings": {"index": settings}, "mappings": mappings})


def _load_long(engine: Engine) -> None:
    _create(engine, "long", _mappings())
    rest = "長い本文。" * (LONG_CHARS // 5)
    for start in range(0, WINDOW, 10):
        numbers = range(start, start + 10)
        engine.bulk("long", [{"id": str(n), "title": f"{n}", "body": f"{QUERY}。{rest}"} for n in numbers])


def _load_wide(engine: Engine) -> None:
    fields: Json = {f"field_{number}": {"type": "keyword"} for number in range(WIDE_FIELDS)}
    documents = passages()
    for number in range(WIDE_INDEXES):
        _create(engine, f"wide-{number}", _mappings(**fields))
        some = documents[number::WIDE_INDEXES]
        engine.bulk(f"wide-{number}", [{key: one[key] for key in ("id", *PASSAGE_FIELDS)} for one in some])


def _ways(engine: Engine, direct: httpx.Client, index: str) -> tuple[Way, Way]:
    """Both send ready bytes and parse nothing, so that what is compared is not Python's work.

    The sidecar has every score in its cache: the model's time would be the same in both, and drown the difference.
    """
    query = {"match": {"body": QUERY}}
    page = {"query": query, "size": 10, "_source": False}
    whole = {"query": query, "size": WINDOW, "_source": PASSAGE_FIELDS}
    hits = engine.plain(whole, index)["hits"]["hits"]
    question = {"query": QUERY, "hits": [_hit(hit) for hit in hits]}
    page_bytes, whole_bytes, question_bytes = map(_bytes, (page, whole, question))
    headers = {"content-type": "application/json"}
    for reranked in (None, WINDOW):  # the first search of an index finds out how large its documents are
        answer = engine.http.post(f"{index}/_search", json=page, timeout=600).json()
        assert reranked in {None, marker(answer)["reranked"]}

    def through() -> None:
        engine.http.post(f"{index}/_search", content=page_bytes, headers=headers).raise_for_status()

    def both() -> None:
        engine.http.post(
            f"{index}/_search", content=whole_bytes, headers=headers, params={"search_pipeline": "_none"}
        ).raise_for_status()
        direct.post("/v1/hits", content=question_bytes, headers=headers).raise_for_status()

    return through, both


def _hit(hit: Json) -> Json:
    text = "\n".join(hit["_source"][field] for field in PASSAGE_FIELDS)
    return {"id": hit["_id"], "text": cut(text, SENT_CHARS), "score": hit["_score"]}


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _ms(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return (time.perf_counter() - started) * 1000
