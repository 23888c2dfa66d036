"""What activations look like on a few texts, none of which is the quality gate's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jrerank.domain import Window
from jrerank.engines.onnx_cpu.graph_file import with_outputs
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.models.architectures.architecture import Float32Array
from jrerank.models.checkpoint import Checkpoint

# What the widths are measured on: none of the quality gate's texts
PAIRS: tuple[tuple[str, str], ...] = (
    ("日本の首都はどこか", "東京は日本の首都で、人口はおよそ1400万人である。"),
    ("ラーメン 札幌", "札幌ラーメンは味噌味が有名だが、塩や醤油もある。"),
    ("Pythonのインストール", 'Download the installer from python.org, run it, and check "Add to PATH".'),
    (
        "民法 契約",
        "契約は、申込みの意思表示に対して相手方が承諾をしたときに成立する。",
    ),
    ("a", "。"),
    ("電話番号", "お問い合わせは 03-1234-5678（平日 9:00〜17:00）まで。メール：info@example.com"),
)


def channel_widths(checkpoint: Checkpoint, exact: Path, activations: Sequence[str]) -> list[Float32Array]:
    """For each activation of the float32 graph `exact` the largest magnitude that each channel takes on `PAIRS`."""
    if not activations:
        return []
    probe = exact.with_name("probe.onnx")
    with_outputs(exact, probe, activations)
    try:
        graph = Graph(probe, checkpoint.layout.passage_type)
        runs = [graph.outputs(activations, window) for window in _windows(checkpoint)]
    finally:
        probe.unlink()
    return [
        np.max([np.abs(run[i]).max(axis=(0, 1)) for run in runs], axis=0) for i in range(len(activations))
    ]


def _windows(checkpoint: Checkpoint) -> list[Window]:
    longest = checkpoint.architecture.max_tokens
    windows = [checkpoint.layout.join(*_halves(checkpoint, pair)) for pair in PAIRS]
    return [Window(window.ids[:longest], window.passage_start) for window in windows]


def _halves(checkpoint: Checkpoint, pair: Sequence[str]) -> list[list[int]]:
    return [checkpoint.tokenizer.encode(text, add_special_tokens=False).ids for text in pair]
