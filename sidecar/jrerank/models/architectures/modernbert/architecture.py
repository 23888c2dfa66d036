"""ModernBERT behind the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jrerank.models.architectures.architecture import Lossy, Shapes, SmoothingPoint, Weights
from jrerank.models.architectures.modernbert.config import ModernBertConfig
from jrerank.models.architectures.modernbert.weights import expected_shapes

if TYPE_CHECKING:
    import onnx

    from jrerank.models.architectures.torch_forward import TorchForward, TorchWeights


@dataclass(frozen=True, slots=True)
class ModernBert:
    """See `Architecture`."""

    config: ModernBertConfig

    @classmethod
    def from_json(cls, content: Mapping[str, object]) -> ModernBert:
        """Read a parsed `config.json`.

        Raises:
            UnsupportedModel: a value that jrerank doesn't know.
        """
        return cls(ModernBertConfig.from_json(content))

    @property
    def summary(self) -> str:
        """See `Architecture.summary`."""
        config = self.config
        return f"{config.num_layers} layers, hidden {config.hidden_size}, {config.pooling} pooling"

    @property
    def vocab_size(self) -> int:
        """See `Architecture.vocab_size`."""
        return self.config.vocab_size

    @property
    def max_tokens(self) -> int:
        """See `Architecture.max_tokens`."""
        return self.config.max_positions

    @property
    def token_types(self) -> int:
        """ModernBERT tells no segments apart."""
        return 1

    @property
    def special_ids(self) -> frozenset[int]:
        """See `Architecture.special_ids`."""
        return self.config.special_ids

    @property
    def exact_products(self) -> tuple[str, ...]:
        """See `Architecture.exact_products`."""
        return ("head.dense.matmul", "classifier.matmul")

    @property
    def smoothing_points(self) -> tuple[SmoothingPoint, ...]:
        """The product of the two halves of each GeGLU, in which a few channels are ten times as wide as most."""
        gates = slice(self.config.intermediate_size, None)
        names = [f"model.layers.{layer}.mlp" for layer in range(self.config.num_layers)]
        return tuple(
            SmoothingPoint(
                f"{name}.gated", (f"{name}.Wi.weight", f"{name}.Wi.bias"), gates, (f"{name}.Wo.weight",)
            )
            for name in names
        )

    @property
    def splittable_activations(self) -> tuple[str, ...]:
        """None: what is uneven in a GeGLU can be smoothed, which costs nothing."""
        return ()

    def expected_shapes(self) -> Shapes:
        """See `Architecture.expected_shapes`."""
        return expected_shapes(self.config)

    def onnx_graph(self, weights: Weights, lossy: Lossy | None = None) -> onnx.ModelProto:
        """See `Architecture.onnx_graph`."""
        from jrerank.models.architectures.modernbert.graph import build_graph  # noqa: PLC0415  onnx: only to build

        return build_graph(self.config, weights, lossy)

    def torch_forward(self, weights: TorchWeights) -> TorchForward:
        """See `Architecture.torch_forward`."""
        from jrerank.models.architectures.modernbert.forward import ModernBertForward  # noqa: PLC0415  torch is an extra

        return ModernBertForward(self.config, weights)
