"""A model on a device: arrays of a packed run in, logits out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from jrerank.engines.torch_packed.attention import EachAttention, PaddedAttention, VarlenAttention
from jrerank.engines.torch_packed.packing import Bucket
from jrerank.models.architectures.architecture import Architecture, Weights
from jrerank.models.architectures.torch_forward import Attention, PackedTokens, TorchForward

Kernel = Literal["varlen", "padded", "each"]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to compute: where, by which kind of attention, and in which type."""

    device: torch.device
    kernel: Kernel
    dtype: torch.dtype

    def __str__(self) -> str:
        return f"{self.device}, {self.kernel} attention, {precision_name(self.dtype)}"


def precision_name(dtype: torch.dtype) -> str:
    """As settings and `/info` call it."""
    return {torch.float16: "fp16", torch.bfloat16: "bf16", torch.float32: "fp32"}[dtype]


class DeviceModel:
    """A forward pass with its weights on the device."""

    def __init__(self, forward: TorchForward, variant: Variant) -> None:
        self.variant = variant
        self.forward = forward

    @classmethod
    def load(cls, architecture: Architecture, weights: Weights, variant: Variant) -> DeviceModel:
        """Move the weights to the device, in the type to compute in."""
        moved = {
            name: torch.tensor(tensor).to(device=variant.device, dtype=variant.dtype)
            for name, tensor in weights.items()
        }
        return cls(architecture.torch_forward(moved), variant)

    def with_forward(self, change: Callable[[TorchForward], TorchForward]) -> DeviceModel:
        """The same model computed in another way, by a compiler's."""
        return DeviceModel(change(self.forward), self.variant)

    def logits(self, inputs: Tensor, bucket: Bucket) -> Tensor:
        """One logit for each of the bucket's windows, [N] float32. `inputs` are those of a `PackedBatch`, on the device."""
        ids, positions, token_types = inputs[: 3 * bucket.tokens].view(3, bucket.tokens).unbind()
        offsets = inputs[3 * bucket.tokens :]
        with torch.inference_mode():
            attention = self._attention(offsets, positions, bucket.longest)
            return self.forward(PackedTokens(ids, positions, token_types, offsets), attention)

    def _attention(self, offsets: Tensor, positions: Tensor, longest: int) -> Attention:
        if self.variant.kernel == "varlen":
            # The kernel reads 16 bytes at a time from where the tensor begins
            return VarlenAttention(offsets.clone(), longest)
        if self.variant.kernel == "padded":
            return PaddedAttention.of(offsets, positions, longest)
        return EachAttention(offsets.tolist())
