"""The stock export: transformers' own graph, quantized dynamically by onnxruntime, padded batches sorted by length."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoModelForSequenceClassification

from jrerank.bench.speed.contender import Contender
from jrerank.bench.speed.workload import Workload
from jrerank.domain import Window

_PAD, _BATCH = 3, 4

Ids = npt.NDArray[np.int64]


class _Logits(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def export(checkpoint: Path, folder: Path) -> Path:
    """The float32 graph, with batch and length left open."""
    exported = folder / "stock.onnx"
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint, attn_implementation="eager").eval()
    ids = torch.randint(10, 200, (2, 64))
    axes = {"input_ids": {0: "batch", 1: "length"}, "attention_mask": {0: "batch", 1: "length"}}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of the exporter's own tracing
        torch.onnx.export(
            _Logits(model), (ids, torch.ones_like(ids)), str(exported),
            input_names=list(axes), output_names=["logits"], dynamic_axes=axes, dynamo=False,
        )  # fmt: skip
    return exported


def onnx_contenders(exported: Path, folder: Path) -> Iterator[Contender]:
    """The graph in int8."""
    quantized = folder / "stock-int8.onnx"
    quantize_dynamic(
        exported, quantized, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"]
    )
    session = onnxruntime.InferenceSession(quantized, providers=["CPUExecutionProvider"])

    def score(ids: Ids, mask: Ids) -> object:
        return session.run(None, {"input_ids": ids, "attention_mask": mask})

    description = f"onnxruntime {onnxruntime.__version__}, dynamic int8 per channel, padded batches of {_BATCH}, sorted by length"
    yield Contender("stock ONNX int8", description, partial(run_padded, score, _BATCH))


def run_padded(score: Callable[[Ids, Ids], object], batch: int, work: Workload) -> None:
    """In batches of like length, each padded to its longest."""
    windows = sorted(work.windows, key=len)
    for start in range(0, len(windows), batch):
        score(*padded(windows[start : start + batch]))


def padded(windows: list[Window]) -> tuple[Ids, Ids]:
    """Ids and mask, [windows, longest] each."""
    longest = max(map(len, windows))
    ids = np.full((len(windows), longest), _PAD, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, window in enumerate(windows):
        ids[row, : len(window)], mask[row, : len(window)] = window.ids, 1
    return ids, mask
