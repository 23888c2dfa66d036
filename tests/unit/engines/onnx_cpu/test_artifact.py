"""Our own graphs, built once and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders import tiny_config, window, write_checkpoint
from jrerank.cpu import CpuFeatures
from jrerank.engines.onnx_cpu.artifact import Recipe, ensure_artifact, find_artifact, graph_folder
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.errors import ArtifactError
from jrerank.models.artifacts import store_artifact
from jrerank.models.checkpoint import Checkpoint, load_checkpoint

FP32, INT8 = Recipe("fp32"), Recipe("int8")
VNNI = CpuFeatures("x86_64", frozenset({"avx2", "avx512_vnni"}))
AVX2 = CpuFeatures("x86_64", frozenset({"avx2"}))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return load_checkpoint(write_checkpoint(tmp_path_factory.mktemp("checkpoint"), tiny_config()), "tiny")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.mark.parametrize(
    ("precision", "features", "name"),
    [("fp32", AVX2, "fp32-v"), ("int8", VNNI, "int8-v"), ("int8", AVX2, "int8r-v")],
)
def test_a_recipe_is_for_a_precision_and_a_cpu(precision: str, features: CpuFeatures, name: str) -> None:
    assert str(Recipe.for_cpu("int8" if precision == "int8" else "fp32", features)).startswith(name)


def test_it_is_built_once_and_found_afterwards(checkpoint: Checkpoint, tmp_path: Path) -> None:
    assert find_artifact(tmp_path, checkpoint, INT8) is None
    built = ensure_artifact(tmp_path, checkpoint, INT8)
    before = built.graph.stat()
    assert ensure_artifact(tmp_path, checkpoint, INT8) == built
    assert built.graph.stat().st_mtime_ns == before.st_mtime_ns
    assert built.gate is not None
    assert built.gate.pairs == 72
    assert names(built.graph.parent) == {"model.onnx", "gate.json", "manifest.json"}
    assert isinstance(Graph(built.graph).logit(window([1, 10, 2])), float)


def test_a_damaged_artifact_is_built_again(checkpoint: Checkpoint, tmp_path: Path) -> None:
    built = ensure_artifact(tmp_path, checkpoint, FP32)
    whole = built.graph.read_bytes()
    built.graph.write_bytes(whole[:-100])
    assert ensure_artifact(tmp_path, checkpoint, FP32) == built
    assert built.graph.read_bytes() == whole


@pytest.mark.parametrize(
    "gate",
    [
        '{"score_shift": "little"}',
        "[]",
        "{}",
        "[" * 100_000,
        '{"score_shift": 1, "inversion": -1, "pairs": 1}',
    ],
)
def test_a_report_of_the_gate_that_is_none_is_made_again(
    gate: str, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    def build(new: Path) -> None:
        for name in INT8.files:
            (new / name).write_text(gate)

    store_artifact(graph_folder(tmp_path, checkpoint, INT8), build, is_there=lambda: False)
    assert find_artifact(tmp_path, checkpoint, INT8) is None


def test_what_others_could_have_written_is_an_error(checkpoint: Checkpoint, tmp_path: Path) -> None:
    built = ensure_artifact(tmp_path, checkpoint, FP32)
    built.graph.parent.chmod(0o777)
    with pytest.raises(ArtifactError, match="can be written by everybody"):
        ensure_artifact(tmp_path, checkpoint, FP32)


def test_why_a_build_failed_is_in_the_error(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", tiny_config())
    checkpoint = load_checkpoint(folder, "my model")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"the fp32 graph of my model .* has no model\.safetensors"):
        ensure_artifact(tmp_path, checkpoint, FP32)


def test_a_cache_that_cannot_be_written_is_an_error(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(ArtifactError, match=r"tiny could not be built: .*cache"):
        ensure_artifact(tmp_path / "cache", checkpoint, FP32)
