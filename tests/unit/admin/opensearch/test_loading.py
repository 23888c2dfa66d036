"""`index` begins to read the file before it asks the cluster, so that a wrong one leaves no empty index."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jrerank.admin.app import app


def index(file: Path, *more: str) -> Result:
    return CliRunner().invoke(
        app, ["opensearch", "--url", "http://127.0.0.1:9", "index", "passages", str(file), *more]
    )


@pytest.mark.parametrize(
    ("text", "said"), [(None, "can't be read"), ("[]", "line 1"), ('{"vector": 1}', "line 1")]
)
def test_a_wrong_file(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "a.jsonl"
    if text is not None:
        file.write_text(text)
    result = index(file)
    assert result.exit_code == 2
    assert said in result.stderr


def test_nobody_there_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "空"}')
    result = index(file)
    assert result.exit_code == 1
    assert "127.0.0.1:9 does not answer" in result.stderr


def test_a_dry_run_shows_the_index_with_its_vectors_and_the_bulk(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl.gz"
    line = {"id": "x", "text": "空", "embedding": [0.5, 1.0]}
    file.write_bytes(gzip.compress(json.dumps(line).encode()))
    result = index(file, "--vector-field", "embedding", "--pipeline", "rerank", "--dry-run")
    assert result.exit_code == 0
    create, head, document, end, refresh = result.stdout.splitlines()
    assert '"embedding": {"type": "knn_vector", "dimension": 2}' in create
    assert '{"index": {"_id": "x"}}' in head
    assert json.loads(document) == {"text": "空", "embedding": [0.5, 1.0]}
    assert end.endswith("/passages/_bulk")
    assert refresh.endswith("/passages/_refresh")
