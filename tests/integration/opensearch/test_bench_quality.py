"""The user's own query in a real node, measured as it is and offline; and what reranks it beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from integration.opensearch.corpus import PASSAGE_FIELDS
from integration.opensearch.search import Engine, Json
from jrerank.admin.app import app
from jrerank.admin.opensearch_node.node import Node
from measured import DEPTH, figures
from sidecars import RunningSidecar

pytestmark = pytest.mark.node

TEXT_FIELDS = [part for field in PASSAGE_FIELDS for part in ("--text-field", field)]


def body(query: str) -> Json:
    return {"query": {"multi_match": {"query": query, "fields": PASSAGE_FIELDS}}, "_source": PASSAGE_FIELDS}


def template(folder: Path, **more: object) -> list[str]:
    file = folder / "body.json"
    file.write_text(json.dumps({**body("{{query}}"), **more}), encoding="utf-8")
    return ["--template", str(file), *TEXT_FIELDS]


def test_a_query_is_worth_what_its_lists_are_worth(tmp_path: Path, node: Node, engine: Engine) -> None:
    def search(query: str) -> list[tuple[str, float]]:
        hits = engine.plain({**body(query), "size": DEPTH})["hits"]["hits"]
        return [(hit["_id"], hit["_score"]) for hit in hits]

    found = figures(tmp_path, search, ["--opensearch", f"{node.url}/docs", *template(tmp_path)])
    assert found["first stage"]["nDCG@10"] > 0.5
    assert found["offline"] == pytest.approx(found["first stage"], abs=1e-9)


def test_a_pipeline_and_the_search_door_are_worth_what_they_answer(
    tmp_path: Path, node: Node, engine: Engine, real_sidecar: tuple[RunningSidecar, int]
) -> None:
    options: Json = {"endpoint": "real", "timeout_ms": 60_000, "passage_fields": PASSAGE_FIELDS}
    engine.put_pipeline("measured", window=DEPTH, **options)

    def search(query: str) -> list[tuple[str, float]]:
        hits = engine.search({**body(query), "size": DEPTH}, search_pipeline="measured")["hits"]["hits"]
        return [(hit["_id"], hit["_score"]) for hit in hits]

    line = ["--opensearch", f"{node.url}/docs", "--pipeline", "measured", *template(tmp_path)]
    plugin = figures(tmp_path, search, line)
    assert plugin["pipeline measured"] != plugin["first stage"]
    assert plugin["pipeline measured"] == pytest.approx(plugin["offline"], abs=1e-9)

    plain = {"search_pipeline": "_none", "rerank": {"window": DEPTH, "timeout_ms": 60_000}}
    line = ["--search-door", f"{real_sidecar[0].url}/v1/search/docs?index=docs", *template(tmp_path, **plain)]
    door = figures(tmp_path, search, line)
    assert door["first stage"] == plugin["first stage"]
    assert door["search door"] == pytest.approx(door["offline"], abs=1e-9)


def test_a_pipeline_that_reranked_nothing_is_not_measured(
    tmp_path: Path, node: Node, engine: Engine, real_sidecar: tuple[RunningSidecar, int]
) -> None:
    """No hit has that field: all pass through in the first stage's order."""
    engine.put_pipeline("textless", window=DEPTH, endpoint="real", passage_fields=["no such field"])
    line = ["--opensearch", f"{node.url}/docs", "--pipeline", "textless", *template(tmp_path)]
    result = CliRunner().invoke(app, ["bench", "quality", "--queries", "2", "--depth", "5", *line])
    assert result.exit_code == 1, result.output
    assert "pipeline textless: all 2 searches passed through" in " ".join(result.output.split())
