"""What an architecture is: a configuration, and all that is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

    from jrerank.models.architectures.torch_forward import TorchForward, TorchWeights

Float32Array = npt.NDArray[np.float32]
Weights = Mapping[str, Float32Array]
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class SmoothingPoint:
    """Where the channels of an activation may be scaled without a change of the model.

    `activation` names an output of the float32 graph, [1, L, C]. It is linear in the rows `rows` of `writers` (weight and bias, as
    far as the checkpoint has them). `readers`, each [outputs, C], are the only products that read it. Where something else reads it
    too, `residual` names a tensor [C] that undoes the scaling: the graph multiplies by it if the weights have it.
    """

    activation: str
    writers: tuple[str, ...]
    rows: slice
    readers: tuple[str, ...]
    residual: str | None = None


@dataclass(frozen=True, slots=True)
class Lossy:
    """What a graph that is to be quantized may do: it is float32 still, and as good as exact.

    The table of token embeddings is kept in float16, which halves the memory it takes: exact for checkpoints in float16,
    otherwise far below what int8 does. The GELU of the MLPs is computed by tanh in place of erf: off by less than 0.0005, which
    int8's steps are coarser than, in two thirds of the time.

    `apart` names, for a splittable activation, the channels that have products of their own, which stay float32.
    """

    apart: Mapping[str, Sequence[int]] = field(default_factory=dict)


class Architecture(Protocol):
    """A cross-encoder with its configuration read."""

    @property
    def summary(self) -> str:
        """Its size, for people."""
        ...

    @property
    def vocab_size(self) -> int:
        """Token ids are smaller than this."""
        ...

    @property
    def max_tokens(self) -> int:
        """The longest window that there are positions for."""
        ...

    @property
    def token_types(self) -> int:
        """How many kinds of segments the model tells apart; 1 if none."""
        ...

    @property
    def special_ids(self) -> frozenset[int]:
        """The ids that the configuration names as begin, end and separator; empty if it names none."""
        ...

    @property
    def exact_products(self) -> tuple[str, ...]:
        """The MatMul nodes that stay float32 in an int8 graph: of one row, the head's above all, or of channels apart."""
        ...

    @property
    def smoothing_points(self) -> tuple[SmoothingPoint, ...]:
        """What may be evened out before it is quantized."""
        ...

    @property
    def splittable_activations(self) -> tuple[str, ...]:
        """Outputs of the graph, [1, L, C], of whose channels `onnx_graph` may keep some apart."""
        ...

    def expected_shapes(self) -> Shapes:
        """Name and shape of every tensor that a checkpoint of this configuration has to hold."""
        ...

    def onnx_graph(self, weights: Weights, lossy: Lossy | None = None) -> onnx.ModelProto:
        """The graph in float32, made for one window per run.

        Its inputs are `input_ids` int64 [1, L] and, where there are token types, `token_type_ids` int64 [1, L]; its output is
        `logits` float32 [1, 1].
        """
        ...

    def torch_forward(self, weights: TorchWeights) -> TorchForward:
        """The model in torch, for many windows in one run: on the device of the weights and in their type.

        Raises:
            ImportError: torch is not installed.
        """
        ...


def linear_shapes(name: str, outputs: int, inputs: int, *, bias: bool) -> Shapes:
    """The tensors of a linear layer."""
    shapes: Shapes = {f"{name}.weight": (outputs, inputs)}
    return shapes | {f"{name}.bias": (outputs,)} if bias else shapes


def norm_shapes(name: str, size: int, *, bias: bool) -> Shapes:
    """The tensors of a layer norm."""
    return {f"{name}.{part}": (size,) for part in (("weight", "bias") if bias else ("weight",))}
