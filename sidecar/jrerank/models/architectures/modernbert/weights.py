"""The tensors of a ModernBERT checkpoint."""

from __future__ import annotations

from jrerank.models.architectures.architecture import Shapes, linear_shapes, norm_shapes
from jrerank.models.architectures.modernbert.config import ModernBertConfig


def expected_shapes(config: ModernBertConfig) -> Shapes:
    """See `Architecture.expected_shapes`."""
    hidden, norm_bias = config.hidden_size, config.norm_bias
    shapes: Shapes = {"model.embeddings.tok_embeddings.weight": (config.vocab_size, hidden)}
    shapes |= norm_shapes("model.embeddings.norm", hidden, bias=norm_bias)
    for layer in range(config.num_layers):
        shapes |= _layer_shapes(config, layer)
    shapes |= norm_shapes("model.final_norm", hidden, bias=norm_bias)
    shapes |= linear_shapes("head.dense", hidden, hidden, bias=config.classifier_bias)
    shapes |= norm_shapes("head.norm", hidden, bias=norm_bias)
    return shapes | linear_shapes("classifier", 1, hidden, bias=True)


def _layer_shapes(config: ModernBertConfig, layer: int) -> Shapes:
    """The first layer has no attention norm: what it reads has been normed with the embeddings."""
    name, hidden, inner = f"model.layers.{layer}", config.hidden_size, config.intermediate_size
    shapes: Shapes = {}
    if layer > 0:
        shapes |= norm_shapes(f"{name}.attn_norm", hidden, bias=config.norm_bias)
    shapes |= linear_shapes(f"{name}.attn.Wqkv", 3 * hidden, hidden, bias=config.attention_bias)
    shapes |= linear_shapes(f"{name}.attn.Wo", hidden, hidden, bias=config.attention_bias)
    shapes |= norm_shapes(f"{name}.mlp_norm", hidden, bias=config.norm_bias)
    shapes |= linear_shapes(f"{name}.mlp.Wi", 2 * inner, hidden, bias=config.mlp_bias)
    return shapes | linear_shapes(f"{name}.mlp.Wo", hidden, inner, bias=config.mlp_bias)
