"""sentence-transformers' CrossEncoder on torch, as it comes and at its best batch size."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
from sentence_transformers import CrossEncoder
from transformers.utils import logging

from jrerank.bench.speed.contender import Contender
from jrerank.bench.speed.workload import Workload

_USUAL_BATCH = 32
_BEST_BATCH = 8  # of 4, 8 and 32 the fastest on every machine that was tried


def torch_contenders(folder: Path, max_tokens: int) -> Iterator[Contender]:
    """float32 with the batches of `predict`, float32 and bfloat16 with small ones."""
    logging.disable_progress_bar()
    for name, dtype, batch in (
        ("sentence-transformers torch fp32", torch.float32, _USUAL_BATCH),
        ("sentence-transformers torch fp32, batch 8", torch.float32, _BEST_BATCH),
        ("sentence-transformers torch bf16, batch 8", torch.bfloat16, _BEST_BATCH),
    ):
        model = CrossEncoder(str(folder), device="cpu", max_length=max_tokens, model_kwargs={"dtype": dtype})
        description = (
            f"torch {torch.__version__}, {torch.get_num_threads()} threads, sorted by length, batch {batch}"
        )
        yield Contender(name, description, partial(_predict, model, batch))


def _predict(model: CrossEncoder, batch: int, work: Workload) -> None:
    model.predict([(work.query, passage) for passage in work.passages], batch_size=batch)
