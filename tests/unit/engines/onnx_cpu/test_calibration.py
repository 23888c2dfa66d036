"""What activations look like."""

from __future__ import annotations

from pathlib import Path

from builders import tiny_config, write_checkpoint, write_graph
from jrerank.engines.gate import PASSAGES, QUERIES
from jrerank.engines.onnx_cpu.calibration import PAIRS, channel_widths
from jrerank.models.checkpoint import load_checkpoint

GATED = [f"model.layers.{layer}.mlp.gated" for layer in range(4)]


def test_widths_are_one_for_each_channel_and_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(write_checkpoint(tmp_path / "model", tiny_config()), "tiny")
    (tmp_path / "build").mkdir()
    exact = write_graph(tmp_path / "build" / "exact.onnx", checkpoint.architecture, checkpoint.weights())
    widths = channel_widths(checkpoint, exact, GATED)
    assert [width.shape for width in widths] == [(48,)] * 4
    assert all((width > 0).all() for width in widths)
    assert channel_widths(checkpoint, exact, []) == []
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["exact.onnx"]


def test_the_gate_judges_on_other_texts() -> None:
    assert not {text for pair in PAIRS for text in pair} & {*QUERIES, *PASSAGES}
