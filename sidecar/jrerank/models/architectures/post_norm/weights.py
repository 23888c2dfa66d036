"""The tensors of a BERT or RoBERTa checkpoint, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass

from jrerank.models.architectures.architecture import Shapes, linear_shapes, norm_shapes
from jrerank.models.architectures.post_norm.config import PostNormConfig


@dataclass(frozen=True, slots=True)
class TensorNames:
    """What the names of the encoder's tensors begin with, and the two linear layers of the head."""

    encoder: str
    dense: str
    classifier: str

    @property
    def embeddings(self) -> str:
        """What the names of the embeddings begin with."""
        return f"{self.encoder}.embeddings"

    def layers(self, count: int) -> list[str]:
        """What the names of each layer's tensors begin with."""
        return [f"{self.encoder}.encoder.layer.{layer}" for layer in range(count)]


def residual_name(norm: str) -> str:
    """The factors that give back what a layer norm gave before it was smoothed; no checkpoint has them."""
    return f"{norm}.residual"


def expected_shapes(config: PostNormConfig, names: TensorNames) -> Shapes:
    """See `Architecture.expected_shapes`."""
    hidden = config.hidden_size
    shapes: Shapes = {
        f"{names.embeddings}.word_embeddings.weight": (config.vocab_size, hidden),
        f"{names.embeddings}.position_embeddings.weight": (config.position_rows, hidden),
        f"{names.embeddings}.token_type_embeddings.weight": (config.token_types, hidden),
    }
    shapes |= norm_shapes(f"{names.embeddings}.LayerNorm", hidden, bias=True)
    for layer in names.layers(config.num_layers):
        shapes |= _layer_shapes(layer, hidden, config.intermediate_size)
    shapes |= linear_shapes(names.dense, hidden, hidden, bias=True)
    return shapes | linear_shapes(names.classifier, 1, hidden, bias=True)


def _layer_shapes(layer: str, hidden: int, inner: int) -> Shapes:
    shapes: Shapes = {}
    for part in ("self.query", "self.key", "self.value", "output.dense"):
        shapes |= linear_shapes(f"{layer}.attention.{part}", hidden, hidden, bias=True)
    shapes |= norm_shapes(f"{layer}.attention.output.LayerNorm", hidden, bias=True)
    shapes |= linear_shapes(f"{layer}.intermediate.dense", inner, hidden, bias=True)
    shapes |= linear_shapes(f"{layer}.output.dense", hidden, inner, bias=True)
    return shapes | norm_shapes(f"{layer}.output.LayerNorm", hidden, bias=True)
