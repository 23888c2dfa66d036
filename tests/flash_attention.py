"""A flash-attention kernel for the CPU, under torch's own wrapper: torch has one for CUDA alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812


@contextmanager
def registered() -> Iterator[None]:
    """Let `varlen_attn` reach the kernel below."""
    libraries: Any = torch.library  # without types
    library = libraries.Library("aten", "IMPL", "CPU")
    library.impl("_flash_attention_forward", flash_attention_on_cpu)
    yield
    library._destroy()


def flash_attention_on_cpu(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    offsets: torch.Tensor,
    _: torch.Tensor,
    longest: int,
    *rest: Any,
    window_size_left: int,
    window_size_right: int,
    **more: Any,
) -> Sequence[torch.Tensor]:
    """What the CUDA kernel does: rows past the longest length are not computed, rows of no window are not written."""
    written = torch.full_like(query, float("nan"))
    bounds = offsets.tolist()
    for start, stop in itertools.pairwise(bounds):
        end = min(stop, start + longest)
        if end == start:
            continue
        places = torch.arange(end - start)
        offset = places[None] - places[:, None]
        mask = (offset >= -window_size_left) & (offset <= window_size_right)
        q, k, v = (heads[start:end].transpose(0, 1)[None].float() for heads in (query, key, value))
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)[0].transpose(0, 1)
        written[start:end] = attended.to(query.dtype)
    sums = query.new_empty((query.shape[1], query.shape[0]), dtype=torch.float32)
    return written, sums, torch.zeros(2, dtype=torch.uint64), torch.empty(0), torch.empty(0)
