"""The bodies for Elasticsearch, held to its own specification: the types that it makes for its JavaScript client."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jrerank.admin.elasticsearch.inference import InferenceEndpoint, endpoint_body, retriever_body
from node_packages import installed

Json = dict[str, Any]
_FLAGS = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext"]
RELEASES = ["elasticsearch8", "elasticsearch9"]
SIDECAR, KEY = "http://10.0.0.7:8080", "a-key"
RERANK = {"task_type": "rerank"}


def custom() -> Json:
    """As the specification types it: there `request` is an object, in its examples and in the server's parser a string."""
    body = endpoint_body(InferenceEndpoint("a", "custom", SIDECAR, KEY))
    settings = body["service_settings"]
    assert isinstance(settings["request"], str)
    settings["request"] = {"content": settings["request"]}
    return RERANK | {"custom_inference_id": "a"} | body


def search() -> Json:
    """`allow_rerank_failures` is in the server's parser, and not yet in the specification."""
    body = retriever_body("a", "text", "富士山", 50)
    assert body["retriever"]["text_similarity_reranker"].pop("allow_rerank_failures") is True
    return body


BODIES: dict[str, tuple[str, Json]] = {
    "custom": ("InferencePutCustomRequest", custom()),
    "hugging_face": (
        "InferencePutHuggingFaceRequest",
        RERANK | {"huggingface_inference_id": "a"} | endpoint_body(InferenceEndpoint("a", "hugging_face", SIDECAR, KEY)),
    ),
    "retriever": ("SearchRequest", search()),
    "probe": ("InferenceInferenceRequest", RERANK | {"inference_id": "a", "query": "q", "input": ["a", "b"]}),
    "answer": ("InferenceRerankedInferenceResult", {"rerank": [{"index": 0, "relevance_score": 0.5}]}),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Path:
    return installed(Path(__file__).parents[2] / "node_clients")


@pytest.fixture
def file(folder: Path, tmp_path: Path) -> Iterator[Path]:
    made = folder / f"{tmp_path.name}.ts"  # beside the packages that it imports
    yield made
    made.unlink(missing_ok=True)


def complaints(file: Path, typed: list[tuple[str, str, Json]]) -> list[str]:
    """What the compiler says of bodies, each with its release and type; they stand on the lines from 3 on."""
    imports = [f'import type {{ estypes as {release} }} from "{release}";' for release in RELEASES]
    lines = [
        f"export const body{place}: {release}.{kind} = {json.dumps(body, ensure_ascii=False)};"
        for place, (release, kind, body) in enumerate(typed)
    ]
    file.write_text("\n".join(imports + lines) + "\n", encoding="utf-8")
    command = [str(file.parent / "node_modules/.bin/tsc"), *_FLAGS, str(file)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=file.parent)
    return said.stdout.splitlines()


def test_they_are_what_the_specification_says_and_a_slip_would_be_noticed(file: Path) -> None:
    right = [(release, kind, body) for release in RELEASES for kind, body in BODIES.values()]
    slips = [
        ("elasticsearch9", "InferencePutCustomRequest", custom() | {"servce_settings": {}}),
        ("elasticsearch9", "InferencePutHuggingFaceRequest", RERANK | {"service": "hugging_face"}),
        ("elasticsearch9", "SearchRequest", {"retriever": {"text_similarity_reranker": {"field": "text"}}}),
    ]
    said = complaints(file, [*right, *slips])
    places = {
        int(line.partition("(")[2].partition(",")[0]) - 3 for line in said if line.startswith(file.name)
    }
    assert places == set(range(len(right), len(right) + len(slips))), said
