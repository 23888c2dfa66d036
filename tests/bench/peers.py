"""The same pairs through other runtimes: sentence-transformers on torch, and a stock ONNX export in int8."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import save_file
from sentence_transformers import CrossEncoder
from transformers import ModernBertForSequenceClassification, PreTrainedTokenizerFast

from bench.timing import best_of
from bench.workload import Workload
from jrerank.models.random import random_config, random_weights
from jrerank.models.source import BUNDLED, open_checkpoint

BATCHES = (4, 8, 32)


def measured(folder: Path, work: Workload, runs: int) -> Iterator[tuple[str, float]]:
    """Seconds of each runtime, the best of `runs`; for the optimized ones at their best batch size."""
    checkpoint = _written(folder / "checkpoint")
    pairs = [(work.query, passage) for passage in work.passages]
    fp32 = CrossEncoder(str(checkpoint), device="cpu", max_length=512, model_kwargs={"dtype": torch.float32})
    yield "torch fp32 CrossEncoder", best_of(runs, lambda: fp32.predict(pairs, batch_size=32))
    yield "torch fp32, best batch", min(best_of(runs, _predict(fp32, pairs, size)) for size in BATCHES)
    bf16 = CrossEncoder(str(checkpoint), device="cpu", max_length=512, model_kwargs={"dtype": torch.bfloat16})
    yield "torch bf16, best batch", min(best_of(runs, _predict(bf16, pairs, size)) for size in BATCHES)
    session = _stock_int8(checkpoint, folder)
    tokenizer = open_checkpoint("bundled").tokenizer
    ids = sorted((tokenizer.encode(*pair).ids for pair in pairs), key=len)
    sizes = (1, *BATCHES)
    yield (
        "stock ONNX int8, best batch",
        min(best_of(runs, _run_batches(session, ids, size)) for size in sizes),
    )


def _predict(model: CrossEncoder, pairs: list[tuple[str, str]], size: int) -> Callable[[], object]:
    return lambda: model.predict(pairs, batch_size=size)


def _written(folder: Path) -> Path:
    """`random:xsmall-v2` as a folder that transformers can read."""
    checkpoint = open_checkpoint("random:xsmall-v2")
    folder.mkdir()
    save_file(random_weights(checkpoint.architecture), folder / "model.safetensors")
    (folder / "config.json").write_text(
        json.dumps(random_config("xsmall-v2") | {"pad_token_id": 3, "num_labels": 1})
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(BUNDLED / "tokenizer.json"), pad_token="<pad>", model_max_length=512
    )
    tokenizer.save_pretrained(folder)
    return folder


class _Logits(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def _stock_int8(checkpoint: Path, folder: Path) -> onnxruntime.InferenceSession:
    model = ModernBertForSequenceClassification.from_pretrained(
        checkpoint, attn_implementation="eager"
    ).eval()
    ids = torch.randint(10, 1000, (2, 64))
    axes = {"input_ids": {0: "batch", 1: "length"}, "attention_mask": {0: "batch", 1: "length"}}
    exported = folder / "stock.onnx"
    torch.onnx.export(
        _Logits(model),
        (ids, torch.ones_like(ids)),
        str(exported),
        input_names=list(axes),
        output_names=["logits"],
        dynamic_axes=axes,
        dynamo=False,
    )
    quantized = folder / "stock-int8.onnx"
    quantize_dynamic(
        exported, quantized, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"]
    )
    return onnxruntime.InferenceSession(quantized, providers=["CPUExecutionProvider"])


def _run_batches(
    session: onnxruntime.InferenceSession, ids: list[list[int]], size: int
) -> Callable[[], object]:
    def run() -> None:
        for start in range(0, len(ids), size):
            batch = ids[start : start + size]
            width = max(map(len, batch))
            input_ids = np.full((len(batch), width), 3, dtype=np.int64)
            mask = np.zeros_like(input_ids)
            for row, one in enumerate(batch):
                input_ids[row, : len(one)], mask[row, : len(one)] = one, 1
            session.run(None, {"input_ids": input_ids, "attention_mask": mask})

    return run
