"""An encoder of this family, with the names that its checkpoints use, behind the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jrerank.models.architectures.architecture import Lossy, Shapes, SmoothingPoint, Weights
from jrerank.models.architectures.post_norm.config import PostNormConfig
from jrerank.models.architectures.post_norm.weights import TensorNames, expected_shapes, residual_name

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
        *inner, last = self.names.layers(self.config.num_layers)
        parts = ("attention.self.query", "attention.output.dense", "intermediate.dense", "output.dense")
        apart = [f"{layer}.{part}.dense.apart" for layer in inner for part in ("intermediate", "output")]
        products = [self.names.dense, self.names.classifier, *(f"{last}.{part}" for part in parts), *apart]
        return tuple(f"{product}.matmul" for product in products)

    @property
    def smoothing_points(self) -> tuple[SmoothingPoint, ...]:
        """What layer norms give, which is a residual too, and what the output projections of attention read: a mean of values."""
        layers = self.names.layers(self.config.num_layers)
        norms = [
            f"{self.names.embeddings}.LayerNorm",
            *(f"{layer}.output.LayerNorm" for layer in layers[:-1]),
        ]
        points = []
        for layer, norm in zip(layers, norms, strict=True):
            attention = f"{layer}.attention"
            projections = tuple(f"{attention}.self.{part}.weight" for part in ("query", "key", "value"))
            value = (f"{attention}.self.value.weight", f"{attention}.self.value.bias")
            points += [
                _norm_point(norm, projections),
                SmoothingPoint(attention, value, slice(None), (f"{attention}.output.dense.weight",)),
                _norm_point(f"{attention}.output.LayerNorm", (f"{layer}.intermediate.dense.weight",)),
            ]
        return tuple(points)

    @property
    def splittable_activations(self) -> tuple[str, ...]:
        """What the MLPs' output projections read: behind a GELU nothing can be smoothed."""
        return tuple(f"{layer}.activation" for layer in self.names.layers(self.config.num_layers)[:-1])

    def expected_shapes(self) -> Shapes:
        """See `Architecture.expected_shapes`."""
        return expected_shapes(self.config, self.names)

    def onnx_graph(self, weights: Weights, lossy: Lossy | None = None) -> onnx.ModelProto:
        """See `Architecture.onnx_graph`."""
        from jrerank.models.architectures.post_norm.graph import build_graph  # noqa: PLC0415  onnx: only to build

        return build_graph(self.config, self.names, weights, lossy)

    def torch_forward(self, weights: TorchWeights) -> TorchForward:
        """See `Architecture.torch_forward`."""
        from jrerank.models.architectures.post_norm.forward import PostNormForward  # noqa: PLC0415  torch is an extra

        return PostNormForward(self.config, self.names, weights)


def _norm_point(norm: str, readers: tuple[str, ...]) -> SmoothingPoint:
    return SmoothingPoint(norm, (f"{norm}.weight", f"{norm}.bias"), slice(None), readers, residual_name(norm))
