"""A ModernBERT cross-encoder as an ONNX graph, made for one pair per run.

Input `input_ids` int64 [1, L]; output `logits` float32 [1, 1]. There is no attention mask, since there is no
padding. What makes it faster than a plain export (each step measured on its own):

* q, k and v are three MatMuls, and so are the two halves of the GeGLU: no Split of a fused product;
* onnxruntime's fused RotaryEmbedding and MultiHeadAttention: without a mask on global layers, and with one
  [1, 1, L, L] window bias, made once per run, on local layers;
* plain Add and LayerNormalization: the fused SkipLayerNormalization is slower here;
* with `cls` pooling only position 0 of the last layer is read, so its query, output projection and MLP are
  computed there alone.

The architecture is that of Warner et al., "Smarter, Better, Faster, Longer" (2024), as transformers
implements it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from jrerank.models.checkpoint import Float32Array, Weights
from jrerank.models.config import Activation, ModernBertConfig

_OPSET = 18
_MICROSOFT = "com.microsoft"
# Low enough to vanish in a softmax, finite so that no NaN can come of it
_MASKED = -1e9


def build_graph(
    config: ModernBertConfig,
    weights: Weights,
    *,
    half_embeddings: bool = False,
    approximate_gelu: bool = False,
) -> onnx.ModelProto:
    """The graph of a checkpoint in float32.

    Args:
        half_embeddings: keep the embedding table in float16, which halves the memory it takes. Exact for
            checkpoints in float16; otherwise the rounding is far below what int8 does.
        approximate_gelu: compute the MLPs' GELU by tanh in place of erf: off by less than 0.0005, which int8's steps are
            coarser than, in 0.11 ms instead of 0.17 for the MLP of 186 tokens.
    """
    graph = _Graph(config, weights, approximate_gelu)
    hidden = graph.embed(half_embeddings)
    for layer in range(config.num_layers):
        hidden = graph.layer(hidden, layer)
    graph.head(hidden)
    return graph.model()


@dataclass
class _Graph:
    """Collects nodes and initializers; each method adds a part and returns the name of its output."""

    config: ModernBertConfig
    weights: Weights
    approximate_gelu: bool = False
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def op(self, kind: str, inputs: Sequence[str], name: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, domain=domain, **attributes))
        return name

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def ints(self, name: str, *values: int) -> str:
        return self.constant(name, np.array(values, dtype=np.int64))

    def linear(self, x: str, name: str, weight: Float32Array, bias: Float32Array | None) -> str:
        product = self.op("MatMul", [x, self.constant(f"{name}.weight", weight.T)], f"{name}.matmul")
        if bias is None:
            return product
        return self.op("Add", [product, self.constant(f"{name}.bias", bias)], f"{name}.biased")

    def named_linear(self, x: str, name: str) -> str:
        return self.linear(x, name, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def norm(self, x: str, name: str) -> str:
        inputs = [x, self.constant(f"{name}.weight", self.weights[f"{name}.weight"])]
        if f"{name}.bias" in self.weights:
            inputs.append(self.constant(f"{name}.bias", self.weights[f"{name}.bias"]))
        return self.op("LayerNormalization", inputs, name, axis=-1, epsilon=self.config.norm_eps)

    def activation(self, x: str, kind: Activation, name: str) -> str:
        return self.op("Gelu" if kind == "gelu" else "FastGelu", [x], name, _MICROSOFT)

    def first_position(self, x: str, name: str, axis: int = 1) -> str:
        bounds = [self.ints("zero", 0), self.ints("one", 1), self.ints(f"axis{axis}", axis)]
        return self.op("Slice", [x, *bounds], name)

    def embed(self, half: bool) -> str:
        table = self.weights["model.embeddings.tok_embeddings.weight"]
        stored = table.astype(np.float16) if half else table
        rows = self.op("Gather", [self.constant("tok_embeddings", stored), "input_ids"], "embedding_rows")
        if half:
            rows = self.op("Cast", [rows], "embedding_rows_float", to=TensorProto.FLOAT)
        return self.norm(rows, "model.embeddings.norm")

    def layer(self, hidden: str, layer: int) -> str:
        name = f"model.layers.{layer}"
        normed = hidden if layer == 0 else self.norm(hidden, f"{name}.attn_norm")
        queries, residual = normed, hidden
        first_only = self.config.pooling == "cls" and layer == self.config.num_layers - 1
        if first_only:
            queries = self.first_position(normed, f"{name}.first")
            residual = self.first_position(hidden, f"{name}.residual")
        attended = self.attention(queries, normed, layer, first_only)
        hidden = self.op("Add", [residual, attended], f"{name}.attended")
        return self.op("Add", [hidden, self.mlp(hidden, name)], f"{name}.out")

    def attention(self, queries: str, normed: str, layer: int, first_only: bool) -> str:
        name, size = f"model.layers.{layer}.attn", self.config.hidden_size
        weight, bias = self.weights[f"{name}.Wqkv.weight"], self.weights.get(f"{name}.Wqkv.bias")
        parts = []
        for i, (part, x) in enumerate((("q", queries), ("k", normed), ("v", normed))):
            rows = slice(i * size, (i + 1) * size)
            parts.append(self.linear(x, f"{name}.{part}", weight[rows], None if bias is None else bias[rows]))
        q, k, v = parts
        # Position 0 is turned by no angle, so a query there needs no rotation
        q = q if first_only else self.rotate(q, layer, f"{name}.q.rotated")
        k = self.rotate(k, layer, f"{name}.k.rotated")
        inputs = [q, k, v]
        if layer in self.config.local_layers:
            inputs += ["", "", self.window_bias(first_only)]
        heads = self.op("MultiHeadAttention", inputs, name, _MICROSOFT, num_heads=self.config.num_heads)
        return self.named_linear(heads, f"{name}.Wo")

    def rotate(self, x: str, layer: int, name: str) -> str:
        local = layer in self.config.local_layers
        theta = self.config.local_rope_theta if local else self.config.global_rope_theta
        kind = "local" if local else "global"
        angles = _rope_angles(self.config.max_positions, self.config.head_dim, theta)
        cos = self.constant(f"{kind}_cos", np.cos(angles).astype(np.float32))
        sin = self.constant(f"{kind}_sin", np.sin(angles).astype(np.float32))
        inputs = [x, self.ints("first_position", 0), cos, sin]
        return self.op(
            "RotaryEmbedding", inputs, name, _MICROSOFT, num_heads=self.config.num_heads, interleaved=0
        )

    def window_bias(self, first_only: bool) -> str:
        """[1, 1, L, L], or its first row: 0 within the window, far below anything else beyond."""
        name = "window_bias"
        if not any(node.name == name for node in self.nodes):
            self._add_window_bias(name)
        if first_only:
            return self.first_position(name, "window_bias_first", axis=2)
        return name

    def _add_window_bias(self, name: str) -> None:
        length = self.op(
            "Gather", [self.op("Shape", ["input_ids"], "shape"), self.scalar("index_one", 1)], "length"
        )
        steps = [self.scalar("start", 0), length, self.scalar("step", 1)]
        positions = self.op("Range", steps, "positions")
        rows = self.op("Unsqueeze", [positions, self.ints("axis1", 1)], "position_rows")
        columns = self.op("Unsqueeze", [positions, self.ints("axis0", 0)], "position_columns")
        distance = self.op("Abs", [self.op("Sub", [rows, columns], "offset")], "distance")
        beyond = self.op("Greater", [distance, self.scalar("window", self.config.window_tokens)], "beyond")
        levels = (("masked", _MASKED), ("visible", 0.0))
        values = [self.constant(name, np.array([value], dtype=np.float32)) for name, value in levels]
        bias = self.op("Where", [beyond, *values], "window_bias_2d")
        self.op("Unsqueeze", [bias, self.ints("axes01", 0, 1)], name)

    def scalar(self, name: str, value: int) -> str:
        return self.constant(name, np.array(value, dtype=np.int64))

    def mlp(self, hidden: str, layer: str) -> str:
        normed = self.norm(hidden, f"{layer}.mlp_norm")
        name, size = f"{layer}.mlp", self.config.intermediate_size
        weight, bias = self.weights[f"{name}.Wi.weight"], self.weights.get(f"{name}.Wi.bias")
        halves = [
            self.linear(normed, f"{name}.{part}", weight[rows], None if bias is None else bias[rows])
            for part, rows in (("input", slice(0, size)), ("gate", slice(size, 2 * size)))
        ]
        kind: Activation = "gelu_pytorch_tanh" if self.approximate_gelu else self.config.activation
        active = self.activation(halves[0], kind, f"{name}.activation")
        return self.named_linear(self.op("Mul", [active, halves[1]], f"{name}.gated"), f"{name}.Wo")

    def head(self, hidden: str) -> None:
        normed = self.norm(hidden, "model.final_norm")
        # after the last layer of a `cls` model there is one position left, of which the mean is itself
        pooled = self.op("ReduceMean", [normed, self.ints("axis1", 1)], "pooled", keepdims=0)
        dense = self.activation(
            self.named_linear(pooled, "head.dense"), self.config.classifier_activation, "head.activation"
        )
        product = self.named_linear(self.norm(dense, "head.norm"), "classifier")
        self.op("Identity", [product], "logits")

    def model(self) -> onnx.ModelProto:
        inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "length"])]
        outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1])]
        graph = helper.make_graph(
            self.nodes, "cross_encoder", inputs, outputs, list(self.initializers.values())
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="jrerank")


def _rope_angles(positions: int, head_dim: int, theta: float) -> npt.NDArray[np.float64]:
    """[positions, head_dim / 2] angles of Su et al., "RoFormer" (2021).

    The frequencies are rounded to float32 as transformers does: at position 1,000 the difference would show.
    """
    exponents = np.arange(0, head_dim, 2, dtype=np.float32) / np.float32(head_dim)
    frequencies = (1.0 / (np.float32(theta) ** exponents)).astype(np.float32)
    angles = np.arange(positions, dtype=np.float32)[:, None] * frequencies[None, :]
    return angles.astype(np.float64)
