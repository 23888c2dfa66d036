"""Channels that are kept out of int8."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders import (
    random_tensors,
    tiny_bert_config,
    tiny_config,
    wordpiece_tokenizer,
    write_checkpoint,
    write_graph,
)
from jrerank.cpu import cpu_features
from jrerank.engines.gate import compare
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.engines.onnx_cpu.outliers import channels_apart
from jrerank.engines.onnx_cpu.quantize import quantize_int8
from jrerank.models.architectures.architecture import Lossy
from jrerank.models.architectures.registry import read_architecture
from jrerank.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

WIDE = {0: 7, 1: 30}  # layer: channel
CONFIG = tiny_bert_config(intermediate_size=128)


@pytest.fixture
def uneven(tmp_path: Path) -> Checkpoint:
    """In two layers, not the last, one channel is a hundred times as wide as the others, and is read as much less."""
    weights = random_tensors(read_architecture(CONFIG))
    for layer, channel in WIDE.items():
        name = f"bert.encoder.layer.{layer}"
        weights[f"{name}.intermediate.dense.bias"][channel] += 300
        weights[f"{name}.output.dense.weight"][:, channel] /= 300
    return save_checkpoint(tmp_path / "uneven", CONFIG, weights, wordpiece_tokenizer())


def test_the_widest_channels_of_uneven_layers_are_chosen(uneven: Checkpoint, tmp_path: Path) -> None:
    exact = write_graph(tmp_path / "exact.onnx", uneven.architecture, uneven.weights())
    apart = channels_apart(uneven, exact)
    assert sorted(apart) == [f"bert.encoder.layer.{layer}.activation" for layer in WIDE]
    for layer, channel in WIDE.items():
        channels = apart[f"bert.encoder.layer.{layer}.activation"]
        assert channel in channels
        assert len(channels) == 16


def test_apart_they_cost_int8_less(uneven: Checkpoint, tmp_path: Path) -> None:
    architecture, weights = uneven.architecture, uneven.weights()
    exact = write_graph(tmp_path / "exact.onnx", architecture, weights)
    shifts = []
    for number, apart in enumerate(({}, channels_apart(uneven, exact))):
        source = write_graph(tmp_path / f"source{number}.onnx", architecture, weights, Lossy(apart))
        target = tmp_path / f"{number}.onnx"
        reduce_range = cpu_features().saturates_int8
        quantize_int8(source, target, architecture.exact_products, reduce_range=reduce_range)
        engines = [OnnxCpuEngine(path, 1, uneven.layout.passage_type) for path in (exact, target)]
        shifts.append(compare(uneven, *engines).score_shift)
    assert shifts[1] < shifts[0] / 2


def test_modernbert_has_none_to_choose_from(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "model", tiny_config()), "tiny")
    assert channels_apart(checkpoint, tmp_path / "not read.onnx") == {}
