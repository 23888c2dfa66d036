"""What an architecture is: a configuration, and all that is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    far as the checkpoint has them), and only `reader`, [outputs, C], reads it.
    """

    activation: str
    writers: tuple[str, ...]
    rows: slice
    reader: str


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
        """The MatMul nodes of one row each, the head's above all: they stay float32 in an int8 graph."""
        ...

    @property
    def scales_inputs(self) -> bool:
        """Whether an int8 graph evens out what its products read by nodes of their own, since smoothing can't."""
        ...

    @property
    def smoothing_points(self) -> tuple[SmoothingPoint, ...]:
        """What may be evened out before it is quantized."""
        ...

    def expected_shapes(self) -> Shapes:
        """Name and shape of every tensor that a checkpoint of this configuration has to hold."""
        ...

    def onnx_graph(
        self, weights: Weights, *, half_embeddings: bool = False, approximate_gelu: bool = False
    ) -> onnx.ModelProto:
        """The graph in float32, made for one window per run.

        Its inputs are `input_ids` int64 [1, L] and, where there are token types, `token_type_ids` int64 [1, L]; its output is
        `logits` float32 [1, 1].

        Args:
            half_embeddings: keep the table of token embeddings in float16, which halves the memory it takes. Exact for
                checkpoints in float16; otherwise the rounding is far below what int8 does.
            approximate_gelu: compute the GELU of the MLPs by tanh in place of erf: off by less than 0.0005, which int8's steps
                are coarser than, in two thirds of the time.
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
