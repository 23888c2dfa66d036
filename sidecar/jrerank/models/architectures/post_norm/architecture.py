"""An encoder of this family, with the names that its checkpoints use, behind the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jrerank.models.architectures.architecture import Shapes, SmoothingPoint, Weights
from jrerank.models.architectures.post_norm.config import PostNormConfig
from jrerank.models.architectures.post_norm.weights import TensorNames, expected_shapes

if TYPE_CHECKING:
    import onnx

    from jrerank.models.architectures.torch_forward import TorchForward, TorchWeights


@dataclass(frozen=True, slots=True)
class PostNorm:
    """See `Architecture`."""

    config: PostNormConfig
    names: TensorNames

    @property
    def summary(self) -> str:
        """See `Architecture.summary`."""
        return f"{self.config.num_layers} layers, hidden {self.config.hidden_size}, cls pooling"

    @property
    def vocab_size(self) -> int:
        """See `Architecture.vocab_size`."""
        return self.config.vocab_size

    @property
    def max_tokens(self) -> int:
        """See `Architecture.max_tokens`."""
        return self.config.max_tokens

    @property
    def token_types(self) -> int:
        """See `Architecture.token_types`."""
        return self.config.token_types

    @property
    def special_ids(self) -> frozenset[int]:
        """See `Architecture.special_ids`."""
        return self.config.special_ids

    @property
    def exact_products(self) -> tuple[str, ...]:
        """See `Architecture.exact_products`: of the last layer the first position alone is computed, but for keys and values."""
        *_, last = self.names.layers(self.config.num_layers)
        parts = ("attention.self.query", "attention.output.dense", "intermediate.dense", "output.dense")
        return (
            f"{self.names.dense}.matmul",
            f"{self.names.classifier}.matmul",
            *(f"{last}.{part}.matmul" for part in parts),
        )

    @property
    def scales_inputs(self) -> bool:
        """See `Architecture.scales_inputs`: a few channels of what the layer norms give are forty times as wide as most."""
        return True

    @property
    def smoothing_points(self) -> tuple[SmoothingPoint, ...]:
        """What the attention's output projections read: a mean of values, which are linear.

        No other activation can be scaled: the MLP's is behind a GELU, and what a layer norm gives is a residual too.
        """
        return tuple(
            SmoothingPoint(
                f"{layer}.attention",
                (f"{layer}.attention.self.value.weight", f"{layer}.attention.self.value.bias"),
                slice(None),
                f"{layer}.attention.output.dense.weight",
            )
            for layer in self.names.layers(self.config.num_layers)
        )

    def expected_shapes(self) -> Shapes:
        """See `Architecture.expected_shapes`."""
        return expected_shapes(self.config, self.names)

    def onnx_graph(
        self, weights: Weights, *, half_embeddings: bool = False, approximate_gelu: bool = False
    ) -> onnx.ModelProto:
        """See `Architecture.onnx_graph`."""
        from jrerank.models.architectures.post_norm.graph import build_graph  # noqa: PLC0415  onnx: only to build

        return build_graph(
            self.config,
            self.names,
            weights,
            half_embeddings=half_embeddings,
            approximate_gelu=approximate_gelu,
        )

    def torch_forward(self, weights: TorchWeights) -> TorchForward:
        """See `Architecture.torch_forward`."""
        from jrerank.models.architectures.post_norm.forward import PostNormForward  # noqa: PLC0415  torch is an extra

        return PostNormForward(self.config, self.names, weights)
