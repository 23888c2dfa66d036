"""The passages that ship with the package, as an index."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from integration.opensearch.search import Engine

PASSAGE_FIELDS = ["title", "body"]
QUERY = "日本の首都で開かれた世界の大会はいつ行われたか"

_FILE = (
    Path(__file__).resolve().parents[3]
    / "sidecar"
    / "jrerank"
    / "evaluation"
    / "jaquad"
    / "passages.jsonl.gz"
)


def passages() -> list[dict[str, Any]]:
    with gzip.open(_FILE, "rt", encoding="utf-8") as lines:
        return [_document(number, json.loads(line)) for number, line in enumerate(lines)]


def _document(number: int, passage: dict[str, str]) -> dict[str, Any]:
    return {
        "id": passage["id"],
        "title": passage["title"],
        "body": passage["text"],
        "topic": passage["title"],
        "number": number,
        "parts": [{"text": part} for part in passage["text"].split("。")[:2]],
        "vector": [number / 2, number / 4],
    }


def load(engine: Engine, index: str, kuromoji: bool, default_pipeline: str) -> None:
    """Creates the index, with three shards, and fills it."""
    text = {"type": "text", "analyzer": "kuromoji" if kuromoji else "cjk"}
    properties = {
        "title": text,
        "body": text,
        "topic": {"type": "keyword"},
        "number": {"type": "integer"},
        "parts": {"type": "nested", "properties": {"text": text}},
        "vector": {"type": "float", "index": False},
    }
    settings = {"number_of_shards": 3, "number_of_replicas": 0, "search.default_pipeline": default_pipeline}
    engine.put(index, {"settings": {"index": settings}, "mappings": {"properties": properties}})
    engine.bulk(index, passages())
