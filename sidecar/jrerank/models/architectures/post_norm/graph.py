"""A BERT or RoBERTa cross-encoder as an ONNX graph; see `onnx_graph.py`."""

from __future__ import annotations

import onnx

from jrerank.models.architectures.architecture import Weights
from jrerank.models.architectures.onnx_graph import MICROSOFT, OnnxGraph
from jrerank.models.architectures.post_norm.config import PostNormConfig
from jrerank.models.architectures.post_norm.weights import TensorNames


def build_graph(
    config: PostNormConfig,
    names: TensorNames,
    weights: Weights,
    *,
    half_embeddings: bool,
    approximate_gelu: bool,
) -> onnx.ModelProto:
    """See `Architecture.onnx_graph`. The head reads position 0, so the last layer is computed there alone."""
    graph = OnnxGraph(weights, config.norm_eps, approximate_gelu)
    hidden = _embeddings(graph, config, names.embeddings, half_embeddings)
    *inner, last = names.layers(config.num_layers)
    for layer in inner:
        hidden = _layer(graph, config, layer, hidden, hidden)
    hidden = _layer(graph, config, last, graph.first_position(hidden, f"{last}.first"), hidden)
    _head(graph, hidden, names)
    return graph.model(["input_ids", "token_type_ids"] if config.token_types > 1 else ["input_ids"])


def _embeddings(graph: OnnxGraph, config: PostNormConfig, name: str, half: bool) -> str:
    """The first token type is added to every position beforehand, so the others are added as differences from it."""
    types = graph.weights[f"{name}.token_type_embeddings.weight"]
    positions = graph.weights[f"{name}.position_embeddings.weight"][config.first_position :] + types[0]
    rows = graph.token_rows(graph.weights[f"{name}.word_embeddings.weight"], half)
    length = graph.op("Unsqueeze", [graph.length(), graph.ints("axis0", 0)], "end")
    bounds = [graph.ints("zero", 0), length, graph.ints("axis0", 0)]
    placed = graph.op("Slice", [graph.constant("position_embeddings", positions), *bounds], "position_rows")
    rows = graph.op("Add", [rows, placed], "embeddings.placed")
    if config.token_types > 1:
        table = graph.constant("token_type_differences", types - types[0])
        differences = graph.op("Gather", [table, "token_type_ids"], "token_type_rows")
        rows = graph.op("Add", [rows, differences], "embeddings.typed")
    return graph.norm(rows, f"{name}.LayerNorm")


def _layer(graph: OnnxGraph, config: PostNormConfig, name: str, queries: str, hidden: str) -> str:
    """A layer's output at the positions of `queries`, which are `hidden` or its first."""
    attention = f"{name}.attention"
    parts = [
        graph.named_linear(x, f"{attention}.self.{part}")
        for part, x in (("query", queries), ("key", hidden), ("value", hidden))
    ]
    heads = graph.op("MultiHeadAttention", parts, attention, MICROSOFT, num_heads=config.num_heads)
    projected = graph.named_linear(heads, f"{attention}.output.dense")
    attended = graph.norm(
        graph.op("Add", [projected, queries], f"{attention}.added"), f"{attention}.output.LayerNorm"
    )
    inner = graph.named_linear(attended, f"{name}.intermediate.dense")
    active = graph.mlp_activation(inner, config.activation, f"{name}.activation")
    outer = graph.named_linear(active, f"{name}.output.dense")
    return graph.norm(graph.op("Add", [outer, attended], f"{name}.added"), f"{name}.output.LayerNorm")


def _head(graph: OnnxGraph, hidden: str, names: TensorNames) -> None:
    pooled = graph.op("Squeeze", [hidden, graph.ints("axis1", 1)], "pooled")
    active = graph.op("Tanh", [graph.named_linear(pooled, names.dense)], "head.activation")
    graph.op("Identity", [graph.named_linear(active, names.classifier)], "logits")
