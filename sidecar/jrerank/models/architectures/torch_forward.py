"""A forward pass in torch over windows that stand behind each other without padding: what the architectures have in common.

Tensors have one row per token, [T, hidden], whatever window it belongs to. Only attention and pooling know where windows begin;
they are the `Attention` that the engine passes in, which differs from device to device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch.nn.functional as F  # noqa: N812  as everybody calls it
from torch import Tensor

from jrerank.models.architectures.config_reader import Activation

TorchWeights = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class PackedTokens:
    """T tokens of N windows, all int32. `positions` begin at 0 in each window; `offsets` [N + 1] is where windows begin and end.

    A window without tokens may stand at the end, so that N can be the same for every batch.
    """

    ids: Tensor
    positions: Tensor
    token_types: Tensor
    offsets: Tensor

    def first_rows(self, rows: Tensor) -> Tensor:
        """The row of each window's first token, [N, hidden]; some row for a window that has none."""
        return rows.index_select(0, self.offsets[:-1].clamp(max=rows.shape[0] - 1))


class Attention(Protocol):
    """What mixes the rows of a window, and never those of two."""

    def attend(self, query: Tensor, key: Tensor, value: Tensor, window_tokens: int | None) -> Tensor:
        """Softmax attention, [T, heads, head_dim] each; with `window_tokens`, to at most so many neighbours on each side."""
        ...

    def mean(self, rows: Tensor) -> Tensor:
        """The mean row of each window in float32, [T, hidden] -> [N, hidden]."""
        ...


class TorchForward(Protocol):
    """A model with its weights on a device."""

    def __call__(self, tokens: PackedTokens, attention: Attention) -> Tensor:
        """One logit for each window, [N] float32."""
        ...


@dataclass(frozen=True, slots=True)
class Layers:
    """Applies layers by the names that the checkpoint has for them, in the type of the weights."""

    weights: TorchWeights
    norm_eps: float

    def linear(self, rows: Tensor, name: str) -> Tensor:
        """The linear layer `name`."""
        return F.linear(rows, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def norm(self, rows: Tensor, name: str) -> Tensor:
        """The layer norm `name`; torch sums in float32 whatever the type is."""
        weight = self.weights[f"{name}.weight"]
        return F.layer_norm(rows, weight.shape, weight, self.weights.get(f"{name}.bias"), self.norm_eps)

    def in_float32(self, *names: str) -> Layers:
        """The same layers with the weights of `names` widened: for a head, which has few rows and decides the order."""
        own = {
            f"{name}.{part}": self.weights[f"{name}.{part}"].float()
            for name in names
            for part in ("weight", "bias")
            if f"{name}.{part}" in self.weights
        }
        return Layers(own, self.norm_eps)


def activate(rows: Tensor, activation: Activation) -> Tensor:
    """An activation by its name."""
    if activation == "relu":
        return F.relu(rows)
    return F.gelu(rows, approximate="none" if activation == "gelu" else "tanh")
