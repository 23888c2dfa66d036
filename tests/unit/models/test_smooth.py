"""Smoothing: the same model, easier to quantize."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from builders import tiny_config, write_checkpoint
from jrerank.models.checkpoint import Checkpoint, Weights, load_checkpoint
from jrerank.models.gate import PASSAGES, QUERIES, gate
from jrerank.models.graph import build_graph
from jrerank.models.quantize import quantize_int8
from jrerank.models.session import open_session, run_pair
from jrerank.models.smooth import PAIRS, gated_widths, smooth

IDS = [1, *range(10, 90), 2]


def graph_of(checkpoint: Checkpoint, weights: Weights, path: Path) -> Path:
    onnx.save(build_graph(checkpoint.config, weights), path)
    return path


def tiny(folder: Path, **changes: object) -> Checkpoint:
    return load_checkpoint(write_checkpoint(folder / "model", tiny_config(**changes)), "tiny")


def with_a_wide_channel(
    checkpoint: Checkpoint,
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """What a few channels of trained models look like: hundreds of times as wide as the others."""
    weights = dict(checkpoint.weights())
    for layer in range(checkpoint.config.num_layers):
        rows = weights[f"model.layers.{layer}.mlp.Wi.weight"].copy()
        columns = weights[f"model.layers.{layer}.mlp.Wo.weight"].copy()
        rows[checkpoint.config.intermediate_size + 5] *= 300
        columns[:, 5] /= 300
        weights |= {
            f"model.layers.{layer}.mlp.Wi.weight": rows,
            f"model.layers.{layer}.mlp.Wo.weight": columns,
        }
    return weights


@pytest.mark.parametrize("mlp_bias", [False, True])
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_the_logit_stays(mlp_bias: bool, pooling: str, tmp_path: Path) -> None:
    checkpoint = tiny(tmp_path, mlp_bias=mlp_bias, classifier_pooling=pooling)
    exact = graph_of(checkpoint, checkpoint.weights(), tmp_path / "exact.onnx")
    smoothed = smooth(checkpoint, checkpoint.weights(), exact)
    same = graph_of(checkpoint, smoothed, tmp_path / "smooth.onnx")
    logits = [run_pair(open_session(path), IDS) for path in (exact, same)]
    assert logits[0] == pytest.approx(logits[1], abs=1e-4)


def test_only_the_mlps_change(tmp_path: Path) -> None:
    checkpoint = tiny(tmp_path)
    before = checkpoint.weights()
    after = smooth(checkpoint, before, graph_of(checkpoint, before, tmp_path / "exact.onnx"))
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    parts = ("mlp.Wi.weight", "mlp.Wo.weight")
    assert changed == {f"model.layers.{layer}.{part}" for layer in range(4) for part in parts}
    inner = checkpoint.config.intermediate_size
    for layer in range(4):
        name = f"model.layers.{layer}.mlp.Wi.weight"
        np.testing.assert_array_equal(before[name][:inner], after[name][:inner])


def test_a_wide_channel_costs_int8_less(tmp_path: Path) -> None:
    checkpoint = tiny(tmp_path, classifier_pooling="mean")
    weights = with_a_wide_channel(checkpoint)
    exact = graph_of(checkpoint, weights, tmp_path / "exact.onnx")
    smooth_graph = graph_of(checkpoint, smooth(checkpoint, weights, exact), tmp_path / "smooth.onnx")
    shifts = []
    for number, source in enumerate((exact, smooth_graph)):
        quantize_int8(source, tmp_path / f"{number}.onnx", reduce_range=False)
        shifts.append(gate(checkpoint, exact, tmp_path / f"{number}.onnx").score_shift)
    assert shifts[1] < shifts[0] / 3


def test_widths_are_one_for_each_channel_of_each_layer(tmp_path: Path) -> None:
    checkpoint = tiny(tmp_path)
    widths = gated_widths(checkpoint, graph_of(checkpoint, checkpoint.weights(), tmp_path / "exact.onnx"))
    assert [width.shape for width in widths] == [(48,)] * 4
    assert all((width > 0).all() for width in widths)


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    checkpoint = tiny(tmp_path)
    (tmp_path / "build").mkdir()
    gated_widths(checkpoint, graph_of(checkpoint, checkpoint.weights(), tmp_path / "build" / "exact.onnx"))
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["exact.onnx"]


def test_the_gate_judges_on_other_texts() -> None:
    assert not {text for pair in PAIRS for text in pair} & {*QUERIES, *PASSAGES}
