"""A run is noted with all that its rows' scores depend on."""

from __future__ import annotations

from pathlib import Path

from jrerank.bulk.outputs.run_note import run_of
from jrerank.bulk.sources.files import open_file


def test_texts_of_another_store_are_another_run(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("{}")
    source = open_file(tmp_path / "in.jsonl")
    runs = [run_of(source, {"model": "m"}, store) for store in (None, "docs", "archive")]
    assert runs[0] == {"input": source.fingerprint, "model": "m"}
    assert [run.get("store") for run in runs] == [None, "docs", "archive"]
