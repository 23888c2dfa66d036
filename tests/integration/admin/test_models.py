"""`models`: pull, list, check, build."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from builders import tiny_config, write_checkpoint
from jrerank.admin.app import app
from jrerank.models.source import BUNDLED


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny checkpoint, with a cache of graphs and a hub cache that are empty."""
    monkeypatch.setenv("JRERANK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return write_checkpoint(tmp_path / "model", tiny_config())


def models(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, arguments)])


def test_build_prints_where_the_graph_is_and_builds_once(model: Path) -> None:
    first = models("build", "--model", model, "--precision", "fp32")
    graph = Path(first.stdout.strip())
    built = graph.stat().st_mtime_ns
    assert models("build", "--model", model, "--precision", "fp32").stdout == first.stdout
    assert graph.stat().st_mtime_ns == built
    forced = models("build", "--model", model, "--precision", "fp32", "--force")
    assert (forced.stdout, forced.exit_code) == (first.stdout, 0)
    assert graph.stat().st_mtime_ns > built


def test_force_builds_one_precision_anew_and_nothing_that_it_has_not_built(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the settings ask for the checkpoint's own graphs."""
    fp32 = Path(models("build", "--model", model, "--precision", "fp32").stdout.strip())
    (model / "onnx").mkdir()
    shutil.copy(fp32, model / "onnx" / "model.onnx")
    monkeypatch.setenv("JRERANK_GRAPH", "prebuilt")
    before = fp32.stat().st_mtime_ns
    assert models("build", "--model", model, "--precision", "int8", "--force").exit_code == 0
    assert fp32.stat().st_mtime_ns == before
    assert models("build", "--model", model, "--precision", "fp32", "--force").exit_code == 0
    assert (model / "onnx" / "model.onnx").is_file()


def test_check_says_what_the_gate_saw(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JRERANK_GATE_MAX_SCORE_SHIFT", "1")
    monkeypatch.setenv("JRERANK_GATE_MAX_INVERSION", "1")
    passed = models("check", "--model", model)
    assert [line.split()[:2] for line in passed.stdout.splitlines()][-1] == ["would", "serve"]
    assert (passed.exit_code, "int8" in passed.stdout) == (0, True)
    monkeypatch.setenv("JRERANK_GATE_MAX_SCORE_SHIFT", "1e-9")
    failed = models("check", "--model", model)
    assert (failed.exit_code, failed.stdout.splitlines()[-1]) == (1, "would serve  fp32")


def test_list_has_what_can_be_served_without_a_network_and_what_was_built(
    model: Path, tmp_path: Path
) -> None:
    models("build", "--model", model, "--precision", "fp32")
    snapshot = tmp_path / "hub" / "models--some--reranker" / "snapshots" / ("a" * 40)
    shutil.copytree(model, snapshot)
    lay_out(tmp_path / "hub" / "models--some--bert", '{"architectures": ["BertModel"]}')
    lay_out(
        tmp_path / "hub" / "models--some--broken",
        '{"architectures": ["ModernBertForSequenceClassification"]}',
    )
    lines = models("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["bundled", "some/broken", "some/reranker"]
    assert lines[0].endswith("nothing built")
    assert "cannot be served" in lines[1]
    assert "fp32" in lines[2], "the folder that was built from is the same model"


def test_list_shows_graphs_of_models_that_have_gone(model: Path) -> None:
    models("build", "--model", model, "--precision", "fp32")
    shutil.rmtree(model)
    assert models("list").stdout.splitlines()[-1].startswith("(of a folder, or a revision that is gone)")


def lay_out(repository: Path, config: str) -> None:
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text(config)


def test_pull_of_what_is_here_already_needs_no_hub() -> None:
    result = models("pull", "bundled")
    assert (result.exit_code, result.stdout.split()[0], str(BUNDLED) in result.stdout) == (0, "bundled", True)


def test_pull_of_what_is_nowhere_says_what_to_do() -> None:
    result = models("pull", "random:huge")
    assert (result.exit_code, result.stderr.startswith("error: random:huge: choose one of")) == (3, True)
