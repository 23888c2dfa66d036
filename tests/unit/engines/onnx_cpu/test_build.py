"""The process that builds an artifact."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto

from builders import tiny_config, window, write_checkpoint
from jrerank.engines.onnx_cpu.artifact import Recipe, find_artifact
from jrerank.engines.onnx_cpu.build import build_into, main
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.models.checkpoint import Checkpoint, load_checkpoint


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return load_checkpoint(write_checkpoint(tmp_path / "model", tiny_config()), "tiny")


def test_fp32_is_one_file(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    build_into(tmp_path / "new", checkpoint, Recipe("fp32"))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["model.onnx"]
    assert isinstance(Graph(tmp_path / "new" / "model.onnx").logit(window([1, 10, 2])), float)


def test_int8_comes_with_what_its_gate_saw(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    build_into(tmp_path / "new", checkpoint, Recipe("int8"))
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"model.onnx", "gate.json"}
    report = json.loads((tmp_path / "new" / "gate.json").read_text())
    assert report["pairs"] == 72
    assert 0 < report["score_shift"] < 1


def test_int8_keeps_the_embeddings_in_half_the_room(checkpoint: Checkpoint, tmp_path: Path) -> None:
    build_into(tmp_path, checkpoint, Recipe("int8"))
    tensors = {one.name: one for one in onnx.load(tmp_path / "model.onnx").graph.initializer}
    assert tensors["tok_embeddings"].data_type == TensorProto.FLOAT16


@pytest.mark.parametrize("reduce_range", ["0", "1"])
def test_the_arguments_are_locator_cache_precision_and_range(
    reduce_range: str, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    assert main([checkpoint.locator, str(tmp_path / "cache"), "int8", reduce_range]) == 0
    assert find_artifact(tmp_path / "cache", checkpoint, Recipe("int8", reduce_range == "1"))
    assert not find_artifact(tmp_path / "cache", checkpoint, Recipe("int8", reduce_range == "0"))


def test_what_is_there_is_not_built_again(checkpoint: Checkpoint, tmp_path: Path) -> None:
    arguments = [checkpoint.locator, str(tmp_path / "cache"), "fp32", "0"]
    assert main(arguments) == 0
    artifact = find_artifact(tmp_path / "cache", checkpoint, Recipe("fp32"))
    assert artifact is not None
    before = artifact.graph.stat()
    assert main(arguments) == 0
    assert artifact.graph.stat().st_ino == before.st_ino


def test_an_error_is_one_line_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["random:huge-v2", str(tmp_path), "fp32", "0"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("random:huge-v2: choose one of")
    assert said.err.count("\n") == 1
