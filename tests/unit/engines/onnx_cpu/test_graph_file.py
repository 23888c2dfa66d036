"""Graphs on disk, also those too large for one message."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders import random_tensors, tiny_architecture, tiny_config, window, write_checkpoint
from jrerank.engines.onnx_cpu import graph_file
from jrerank.engines.onnx_cpu.artifact import Recipe
from jrerank.engines.onnx_cpu.build import build_into
from jrerank.engines.onnx_cpu.graph_file import data_file, remove_graph, save_graph, with_outputs
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.models.checkpoint import load_checkpoint

WINDOW = window([1, *range(10, 60), 2], passage_start=20)


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_file, "LARGEST_MESSAGE_BYTES", 1_000)


def saved(path: Path) -> Path:
    architecture = tiny_architecture()
    save_graph(architecture.onnx_graph(random_tensors(architecture)), path)
    return path


def test_a_small_graph_is_one_file(tmp_path: Path) -> None:
    saved(tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.usefixtures("everything_is_large")
def test_a_large_graphs_weights_are_beside_it_and_it_scores_the_same(tmp_path: Path) -> None:
    large = saved(tmp_path / "large.onnx")
    assert data_file(large).stat().st_size > large.stat().st_size
    graph_file.LARGEST_MESSAGE_BYTES = 10**9
    assert Graph(large).logit(WINDOW) == Graph(saved(tmp_path / "small.onnx")).logit(WINDOW)


@pytest.mark.usefixtures("everything_is_large")
def test_saved_twice_it_is_no_larger(tmp_path: Path) -> None:
    size = data_file(saved(tmp_path / "model.onnx")).stat().st_size
    assert data_file(saved(tmp_path / "model.onnx")).stat().st_size == size


@pytest.mark.usefixtures("everything_is_large")
def test_removed_it_leaves_nothing(tmp_path: Path) -> None:
    remove_graph(saved(tmp_path / "model.onnx"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("large", [False, True])
def test_further_outputs_are_outputs(large: bool, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if large:
        request.getfixturevalue("everything_is_large")
    name = "model.layers.1.mlp.gated"
    with_outputs(saved(tmp_path / "model.onnx"), tmp_path / "probe.onnx", [name])
    (gated,) = Graph(tmp_path / "probe.onnx").outputs([name], WINDOW)
    assert gated.shape == (1, len(WINDOW), 48)


@pytest.mark.usefixtures("everything_is_large")
def test_a_large_model_is_built_in_both_precisions(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "model", tiny_config()), "tiny")
    files = {}
    for recipe in (Recipe("fp32"), Recipe("int8")):
        (tmp_path / str(recipe)).mkdir()
        build_into(tmp_path / str(recipe), checkpoint, recipe)
        files[recipe.precision] = {path.name for path in (tmp_path / str(recipe)).iterdir()}
        assert isinstance(Graph(tmp_path / str(recipe) / "model.onnx").logit(WINDOW), float)
    assert files == {"fp32": {"model.onnx", "model.onnx.data"}, "int8": {"model.onnx", "gate.json"}}
