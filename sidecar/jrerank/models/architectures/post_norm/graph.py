"""A BERT or RoBERTa cross-encoder as an ONNX graph; see `onnx_graph.py`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx

from jrerank.models.architectures.architecture import Lossy, Weights
from jrerank.models.architectures.onnx_graph import MICROSOFT, OnnxGraph
from jrerank.models.architectures.post_norm.config import PostNormConfig
from jrerank.models.architectures.post_norm.weights import TensorNames, residual_name


def build_graph(
    config: PostNormConfig, names: TensorNames, weights: Weights, lossy: Lossy | None
) -> onnx.ModelProto:
    """See `Architecture.onnx_graph`. The head reads position 0, so the last layer is computed there alone."""
    graph = OnnxGraph(weights, config.norm_eps, lossy)
    hidden, norm = _embeddings(graph, config, names.embeddings), f"{names.embeddings}.LayerNorm"
    *inner, last = names.layers(config.num_layers)
    for layer in inner:
        hidden = _layer(graph, config, layer, hidden, hidden, norm)
        norm = f"{layer}.output.LayerNorm"
    hidden = _layer(graph, config, last, graph.first_position(hidden, f"{last}.first"), hidden, norm)
    _head(graph, hidden, names)
    return graph.model(["input_ids", "token_type_ids"] if config.token_types > 1 else ["input_ids"])


def _embeddings(graph: OnnxGraph, config: PostNormConfig, name: str) -> str:
    """The first token type is added to every position beforehand, so the others are added as differences from it."""
    types = graph.weights[f"{name}.token_type_embeddings.weight"]
    positions = graph.weights[f"{name}.position_embeddings.weight"][config.first_position :] + types[0]
    rows = graph.token_rows(graph.weights[f"{name}.word_embeddings.weight"])
    length = graph.op("Unsqueeze", [graph.length(), graph.ints("axis0", 0)], "end")
    bounds = [graph.ints("zero", 0), length, graph.ints("axis0", 0)]
    placed = graph.op("Slice", [graph.constant("position_embeddings", positions), *bounds], "position_rows")
    rows = graph.op("Add", [rows, placed], "embeddings.placed")
    if config.token_types > 1:
        table = graph.constant("token_type_differences", types - types[0])
        differences = graph.op("Gather", [table, "token_type_ids"], "token_type_rows")
        rows = graph.op("Add", [rows, differences], "embeddings.typed")
    return graph.norm(rows, f"{name}.LayerNorm")


def _layer(graph: OnnxGraph, config: PostNormConfig, name: str, queries: str, hidden: str, norm: str) -> str:
    """A layer's output at the positions of `queries`, which are `hidden` or its first; `norm` has made `hidden`."""
    attention = f"{name}.attention"
    parts = [
        graph.named_linear(x, f"{attention}.self.{part}")
        for part, x in (("query", queries), ("key", hidden), ("value", hidden))
    ]
    heads = graph.op("MultiHeadAttention", parts, attention, MICROSOFT, num_heads=config.num_heads)
    projected = graph.named_linear(heads, f"{attention}.output.dense")
    attended = _add_and_norm(graph, projected, queries, norm, f"{attention}.output.LayerNorm")
    outer = _mlp(graph, config, name, attended)
    return _add_and_norm(graph, outer, attended, f"{attention}.output.LayerNorm", f"{name}.output.LayerNorm")


def _add_and_norm(graph: OnnxGraph, x: str, residual: str, residual_norm: str, norm: str) -> str:
    """`residual` is what `residual_norm` gave, scaled if that norm was smoothed."""
    factors = residual_name(residual_norm)
    if factors in graph.weights:
        scale = graph.constant(factors, graph.weights[factors])
        residual = graph.op("Mul", [residual, scale], f"{norm}.unscaled")
    return graph.norm(graph.op("Add", [x, residual], f"{norm}.added"), norm)


def _mlp(graph: OnnxGraph, config: PostNormConfig, name: str, x: str) -> str:
    """Channels that are kept apart have two small products of their own: Dettmers et al., "LLM.int8()" (2022)."""
    channels = np.arange(config.intermediate_size)
    apart = np.array(graph.lossy.apart.get(f"{name}.activation", ()) if graph.lossy else (), dtype=np.int64)
    common = _mlp_channels(graph, config, name, x, np.setdiff1d(channels, apart), "")
    if not apart.size:
        return common
    rest = _mlp_channels(graph, config, name, x, apart, ".apart")
    return graph.op("Add", [common, rest], f"{name}.output.joined")


def _mlp_channels(
    graph: OnnxGraph, config: PostNormConfig, name: str, x: str, channels: npt.NDArray[np.int64], part: str
) -> str:
    weights, inner, outer = graph.weights, f"{name}.intermediate.dense", f"{name}.output.dense"
    x = graph.linear(
        x, f"{inner}{part}", weights[f"{inner}.weight"][channels], weights[f"{inner}.bias"][channels]
    )
    x = graph.mlp_activation(x, config.activation, f"{name}.activation{part}")
    bias = None if part else weights[f"{outer}.bias"]
    return graph.linear(x, f"{outer}{part}", weights[f"{outer}.weight"][:, channels], bias)


def _head(graph: OnnxGraph, hidden: str, names: TensorNames) -> None:
    pooled = graph.op("Squeeze", [hidden, graph.ints("axis1", 1)], "pooled")
    active = graph.op("Tanh", [graph.named_linear(pooled, names.dense)], "head.activation")
    graph.op("Identity", [graph.named_linear(active, names.classifier)], "logits")
