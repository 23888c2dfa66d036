"""Attention within packed windows: the one thing that each kind of device does in its own way. See `Attention`.

* `VarlenAttention`: flash attention over ragged windows; CUDA from SM80 on, and ROCm where its kernel proves right.
* `PaddedAttention`: rows are spread to [N, longest] for attention alone, and gathered again: MPS, XPU, older GPUs.
* `EachAttention`: window by window, without padding: CPUs, and what the others are compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

_HALF = (torch.float16, torch.bfloat16)
_MAX_HEAD_DIM, _HEAD_DIM_MULTIPLE = 256, 8


@dataclass(frozen=True, slots=True)
class VarlenAttention:
    """`torch.nn.attention.varlen.varlen_attn`, of torch 2.11 or later.

    `offsets` is int32 [N + 1] on the device. `longest` bounds the windows' lengths from above: rows past it would silently not
    be computed. Rows that no window covers are not written.
    """

    offsets: Tensor
    longest: int

    def attend(self, query: Tensor, key: Tensor, value: Tensor, window_tokens: int | None) -> Tensor:
        """See `Attention.attend`.

        Global layers have a window too, of everything: without one torch 2.14 and 2.15 take cuDNN, which is slower here.
        """
        from torch.nn.attention.varlen import varlen_attn  # noqa: PLC0415  torch 2.10 has another signature

        check_varlen(query, key, value, self.offsets)
        reach = self.longest if window_tokens is None else min(window_tokens, self.longest)
        attended = varlen_attn(
            query,
            key,
            value,
            self.offsets,
            self.offsets,
            self.longest,
            self.longest,
            window_size=(reach, reach),
        )
        return cast("Tensor", attended)

    def mean(self, rows: Tensor) -> Tensor:
        """See `Attention.mean`."""
        return _segment_mean(rows, self.offsets)


def check_varlen(query: Tensor, key: Tensor, value: Tensor, offsets: Tensor) -> None:
    """What the CUDA kernel takes for granted or refuses late.

    Raises:
        ValueError: a tensor is of another type or shape.
    """
    if not query.dtype == key.dtype == value.dtype or query.dtype not in _HALF:
        raise ValueError(f"varlen attention is for float16 and bfloat16, not {query.dtype}")
    if offsets.dtype != torch.int32 or not offsets.is_contiguous():
        raise ValueError(f"offsets must be contiguous int32, not {offsets.dtype}")
    if offsets.device != query.device:
        raise ValueError(f"offsets are on {offsets.device}, the rows on {query.device}")
    if not fits_varlen(query.shape[-1]):
        raise ValueError(f"heads of {query.shape[-1]} do not fit varlen attention")
    if any(heads.stride(-1) != 1 for heads in (query, key, value)):
        raise ValueError("heads must be contiguous in their last dimension")


def fits_varlen(head_dim: int) -> bool:
    """Whether flash attention has a kernel for heads of this size."""
    return head_dim % _HEAD_DIM_MULTIPLE == 0 and head_dim <= _MAX_HEAD_DIM


@dataclass(frozen=True, slots=True)
class EachAttention:
    """One call per window; `bounds` are the offsets as numbers."""

    bounds: Sequence[int]

    def attend(self, query: Tensor, key: Tensor, value: Tensor, window_tokens: int | None) -> Tensor:
        """See `Attention.attend`."""
        parts = [
            _attend_alone(query[start:end], key[start:end], value[start:end], window_tokens)
            for start, end in zip(self.bounds, self.bounds[1:], strict=False)
            if end > start
        ]
        return torch.cat(parts)

    def mean(self, rows: Tensor) -> Tensor:
        """See `Attention.mean`."""
        return _segment_mean(rows, torch.tensor(self.bounds, dtype=torch.int64, device=rows.device))


def _attend_alone(query: Tensor, key: Tensor, value: Tensor, window_tokens: int | None) -> Tensor:
    length = query.shape[0]
    mask = None
    if window_tokens is not None and length > window_tokens + 1:
        places = torch.arange(length, device=query.device)
        mask = _is_near(places, window_tokens)
    q, k, v = (heads.transpose(0, 1)[None] for heads in (query, key, value))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)[0].transpose(0, 1)


def _is_near(places: Tensor, window_tokens: int) -> Tensor:
    return (places[None] - places[:, None]).abs() <= window_tokens


@dataclass(frozen=True, slots=True)
class PaddedAttention:
    """Spreads rows to a rectangle of `offsets`' N windows times `longest`, for attention and means alone.

    All else is computed on packed rows, so padding costs no products of the linear layers. `slots` [T] is each row's place in the
    flattened rectangle.
    """

    slots: Tensor
    lengths: Tensor
    longest: int
    _masks: dict[int | None, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, offsets: Tensor, positions: Tensor, longest: int) -> PaddedAttention:
        """Of packed windows; every one of T rows belongs to a window."""
        lengths = offsets.diff()
        numbers = torch.arange(lengths.shape[0], device=offsets.device)
        window_of_row = torch.repeat_interleave(numbers, lengths, output_size=positions.shape[0])
        return cls(window_of_row * longest + positions, lengths, longest)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, window_tokens: int | None) -> Tensor:
        """See `Attention.attend`."""
        q, k, v = (self._spread(heads).transpose(1, 2) for heads in (query, key, value))
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=self._mask(window_tokens))
        return attended.transpose(1, 2).flatten(0, 1).index_select(0, self.slots)

    def mean(self, rows: Tensor) -> Tensor:
        """See `Attention.mean`."""
        return self._spread(rows.float()).sum(1) / self.lengths[:, None].clamp(min=1)

    def _spread(self, rows: Tensor) -> Tensor:
        """[T, ...] -> [N, longest, ...], with zeros between."""
        flat = rows.new_zeros(self.lengths.shape[0] * self.longest, *rows.shape[1:])
        return flat.index_copy_(0, self.slots, rows).view(-1, self.longest, *rows.shape[1:])

    def _mask(self, window_tokens: int | None) -> Tensor:
        """Which keys a query sees. No row is empty, not even of padding: a softmax over nothing is NaN on some devices."""
        if window_tokens not in self._masks:
            places = torch.arange(self.longest, device=self.slots.device)
            keys = (places[None] < self.lengths[:, None])[:, None, None]
            if window_tokens is None:
                self._masks[None] = keys | (places == 0)
            else:
                same = places[None] == places[:, None]
                self._masks[window_tokens] = keys & _is_near(places, window_tokens) | same
        return self._masks[window_tokens]


def _segment_mean(rows: Tensor, offsets: Tensor) -> Tensor:
    sums = torch.segment_reduce(rows.float(), "sum", offsets=offsets.long(), unsafe=True, initial=0)
    return sums / offsets.diff()[:, None].clamp(min=1)
