"""An index of passages in OpenSearch whose searches are reranked by the plugin, in its pipelines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from jrerank.domain import Candidate
from jrerank.errors import StoreError

_INDEX = "passages"
_RERANKED, _FUSED = "jrerank", "jrerank-fused"
_FIELDS = ["title", "body"]
_SEARCHED = "text"  # of both together: the best BM25 of five ways to search them (nDCG@10 0.912; multi_match 0.906 to 0.909)
_NO_PIPELINE = "_none"
_BATCH_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave: hits with their scores, the best first, and what the plugin says became of it (none: not asked)."""

    hits: tuple[Candidate, ...]
    outcome: str | None

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the hits."""
        return tuple(hit.id for hit in self.hits)


class PassageIndex:
    """The index, searched in three ways; `size` hits come back, and as many are reranked."""

    def __init__(self, client: httpx.Client, size: int) -> None:
        self._client = client
        self._size = size

    def first_stage(self, query: str) -> Found:
        """BM25 alone."""
        return self._search(query, {"search_pipeline": _NO_PIPELINE})

    def reranked(self, query: str) -> Found:
        """Through the index's default pipeline: the model's order."""
        return self._search(query, {})

    def fused(self, query: str) -> Found:
        """Through the pipeline that fuses both."""
        return self._search(query, {"search_pipeline": _FUSED})

    def _search(self, query: str, parameters: Mapping[str, str]) -> Found:
        body = {
            "query": {"match": {_SEARCHED: query}},
            "size": self._size,
            "_source": False,
        }
        answer = _ok(self._client.post(f"/{_INDEX}/_search", json=body, params=parameters))
        marker = answer.get("ext", {}).get("jrerank", {})
        hits = tuple(Candidate(hit["_id"], None, hit["_score"]) for hit in answer["hits"]["hits"])
        return Found(hits, marker.get("outcome"))


def create_passage_index(
    client: httpx.Client, passages: Mapping[str, str], window: int, fusion_weight: float
) -> PassageIndex:
    """Write the pipelines, create the index with the first as its default, and load the passages (title, newline, text).

    Raises:
        StoreError: OpenSearch refused something.
    """
    _put_pipeline(client, _RERANKED, window, None)
    _put_pipeline(client, _FUSED, window, {"method": "linear", "weight": fusion_weight})
    text = {"type": "text", "analyzer": "kuromoji"}
    fields = {_SEARCHED: text, **{key: {**text, "copy_to": _SEARCHED} for key in _FIELDS}}
    settings = {"number_of_shards": 1, "number_of_replicas": 0, "search.default_pipeline": _RERANKED}
    creation = {"settings": {"index": settings}, "mappings": {"properties": fields}}
    _ok(client.put(f"/{_INDEX}", json=creation))
    for lines in _batches(passages):
        _load(client, lines)
    _ok(client.post(f"/{_INDEX}/_refresh"))
    return PassageIndex(client, window)


def _put_pipeline(client: httpx.Client, name: str, window: int, fusion: Mapping[str, object] | None) -> None:
    rerank: dict[str, object] = {"endpoint": "sidecar", "timeout_ms": 60_000}
    if fusion is not None:
        rerank["fusion"] = fusion
    pipeline = {
        "request_processors": [{"jrerank_window": {"window": window, "passage_fields": _FIELDS}}],
        "response_processors": [{"jrerank": rerank}],
    }
    _ok(client.put(f"/_search/pipeline/{name}", json=pipeline))


def _batches(passages: Mapping[str, str]) -> Iterator[bytes]:
    batch = bytearray()
    for id, passage in passages.items():
        title, _, body = passage.partition("\n")
        for line in ({"index": {"_id": id}}, {"title": title, "body": body}):
            batch += json.dumps(line, ensure_ascii=False).encode() + b"\n"
        if len(batch) >= _BATCH_BYTES:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)


def _load(client: httpx.Client, lines: bytes) -> None:
    headers = {"content-type": "application/x-ndjson"}
    answer = _ok(client.post(f"/{_INDEX}/_bulk", content=lines, headers=headers))
    if answer["errors"]:
        raise StoreError("OpenSearch refused some of the passages")


def _ok(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise StoreError(f"OpenSearch answered {response.status_code}: {response.text[:1000]}")
    answer: dict[str, Any] = response.json()
    return answer
