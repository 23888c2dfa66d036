"""Graphs that come with a checkpoint."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from builders import tiny_config, write_checkpoint, write_graph
from jrerank.cpu import CpuFeatures
from jrerank.engines.onnx_cpu.prebuilt import graph_names, prebuilt_graph
from jrerank.errors import ArtifactError, ModelNotFound
from jrerank.models.checkpoint import Checkpoint, load_checkpoint
from jrerank.models.source import open_checkpoint

AVX2 = CpuFeatures("x86_64", frozenset({"avx2"}))
VNNI = CpuFeatures("x86_64", frozenset({"avx2", "avx512_vnni"}))
ARM = CpuFeatures("aarch64", frozenset({"asimddp"}))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    """With one float32 graph and one for AVX2."""
    opened = load_checkpoint(write_checkpoint(tmp_path, tiny_config()), "tiny")
    (tmp_path / "onnx").mkdir()
    for name in ("model.onnx", "model_qint8_avx2.onnx"):
        write_graph(tmp_path / "onnx" / name, opened.architecture, opened.weights())
    return opened


@pytest.mark.parametrize(
    ("features", "first"),
    [(AVX2, "model_qint8_avx2"), (VNNI, "model_qint8_avx512_vnni"), (ARM, "model_qint8_arm64")],
)
def test_each_cpu_has_a_file_of_its_own(features: CpuFeatures, first: str) -> None:
    assert graph_names("int8", features)[0] == f"{first}.onnx"
    assert graph_names("fp32", features) == ("model.onnx",)


@pytest.mark.parametrize("features", [AVX2, VNNI])
def test_the_best_that_is_there_is_taken_as_it_is(features: CpuFeatures, checkpoint: Checkpoint) -> None:
    assert prebuilt_graph(checkpoint, "int8", features).name == "model_qint8_avx2.onnx"
    assert prebuilt_graph(checkpoint, "fp32", features).name == "model.onnx"


def test_what_is_not_there_is_named(checkpoint: Checkpoint) -> None:
    with pytest.raises(ModelNotFound, match=r"tiny has no onnx/model_qint8_arm64\.onnx; leave out --graph"):
        prebuilt_graph(checkpoint, "int8", ARM)
    with pytest.raises(ModelNotFound, match="random:tiny-v2 has no"):
        prebuilt_graph(open_checkpoint("random:tiny-v2"), "fp32", AVX2)


def test_a_damaged_file_is_an_error(checkpoint: Checkpoint, tmp_path: Path) -> None:
    whole = (tmp_path / "onnx" / "model.onnx").read_bytes()
    (tmp_path / "onnx" / "model.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArtifactError, match=r"model\.onnx"):
        prebuilt_graph(checkpoint, "fp32", AVX2)


def test_a_graph_of_something_else_is_an_error(checkpoint: Checkpoint, tmp_path: Path) -> None:
    other = helper.make_graph(
        [helper.make_node("Neg", ["pixels"], ["negative"])],
        "images",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("negative", TensorProto.FLOAT, [1, 3])],
    )
    model = helper.make_model(other, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "onnx" / "model.onnx")
    with pytest.raises(ArtifactError, match="is not the graph of a cross-encoder") as caught:
        prebuilt_graph(checkpoint, "fp32", AVX2)
    assert "\n" not in str(caught.value)
