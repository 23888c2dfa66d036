"""The user's own query in a real node, measured as it is and offline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integration.opensearch.corpus import PASSAGE_FIELDS
from integration.opensearch.search import Engine
from jrerank.admin.opensearch_node.node import Node
from measured import DEPTH, figures

pytestmark = pytest.mark.node


def test_a_query_is_worth_what_its_lists_are_worth(tmp_path: Path, node: Node, engine: Engine) -> None:
    def body(query: str) -> dict[str, object]:
        return {
            "query": {"multi_match": {"query": query, "fields": PASSAGE_FIELDS}},
            "_source": PASSAGE_FIELDS,
        }

    def search(query: str) -> list[tuple[str, float]]:
        hits = engine.plain({**body(query), "size": DEPTH})["hits"]["hits"]
        return [(hit["_id"], hit["_score"]) for hit in hits]

    template = tmp_path / "body.json"
    template.write_text(json.dumps(body("{{query}}")), encoding="utf-8")
    options = ["--opensearch", f"{node.url}/docs", "--template", str(template)]
    options += [part for field in PASSAGE_FIELDS for part in ("--text-field", field)]
    found = figures(tmp_path, search, options)
    assert found["first stage"]["nDCG@10"] > 0.5
    assert found["offline"] == pytest.approx(found["first stage"], abs=1e-9)
