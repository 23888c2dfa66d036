"""A ModernBERT cross-encoder as an ONNX graph. Beyond what `onnx_graph.py` says, measured one by one:

* the two halves of the GeGLU are two MatMuls;
* onnxruntime's fused RotaryEmbedding, and MultiHeadAttention without a mask on global layers and with one [1, 1, L, L] window
  bias, made once per run, on local layers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx

from jrerank.models.architectures.architecture import Lossy, Weights
from jrerank.models.architectures.modernbert.config import ModernBertConfig
from jrerank.models.architectures.onnx_graph import MICROSOFT, OnnxGraph

# Low enough to vanish in a softmax, finite so that no NaN can come of it
_MASKED = -1e9


def build_graph(config: ModernBertConfig, weights: Weights, lossy: Lossy | None) -> onnx.ModelProto:
    """See `Architecture.onnx_graph`."""
    return _ModernBertGraph(config, weights, lossy).build()


class _ModernBertGraph:
    """Each method adds a part and returns the name of its output."""

    def __init__(self, config: ModernBertConfig, weights: Weights, lossy: Lossy | None) -> None:
        self.config, self.weights = config, weights
        self.graph = OnnxGraph(weights, config.norm_eps, lossy)

    def build(self) -> onnx.ModelProto:
        table = self.weights["model.embeddings.tok_embeddings.weight"]
        hidden = self.graph.norm(self.graph.token_rows(table), "model.embeddings.norm")
        for layer in range(self.config.num_layers):
            hidden = self.layer(hidden, layer)
        self.head(hidden)
        return self.graph.model(["input_ids"])

    def layer(self, hidden: str, layer: int) -> str:
        g, name = self.graph, f"model.layers.{layer}"
        normed = hidden if layer == 0 else g.norm(hidden, f"{name}.attn_norm")
        queries, residual = normed, hidden
        first_only = self.config.pooling == "cls" and layer == self.config.num_layers - 1
        if first_only:
            queries = g.first_position(normed, f"{name}.first")
            residual = g.first_position(hidden, f"{name}.residual")
        attended = self.attention(queries, normed, layer, first_only)
        hidden = g.op("Add", [residual, attended], f"{name}.attended")
        return g.op("Add", [hidden, self.mlp(hidden, name)], f"{name}.out")

    def attention(self, queries: str, normed: str, layer: int, first_only: bool) -> str:
        g, name, size = self.graph, f"model.layers.{layer}.attn", self.config.hidden_size
        weight, bias = self.weights[f"{name}.Wqkv.weight"], self.weights.get(f"{name}.Wqkv.bias")
        parts = []
        for i, (part, x) in enumerate((("q", queries), ("k", normed), ("v", normed))):
            rows = slice(i * size, (i + 1) * size)
            parts.append(g.linear(x, f"{name}.{part}", weight[rows], None if bias is None else bias[rows]))
        q, k, v = parts
        # Position 0 is turned by no angle, so a query there needs no rotation
        q = q if first_only else self.rotate(q, layer, f"{name}.q.rotated")
        k = self.rotate(k, layer, f"{name}.k.rotated")
        inputs = [q, k, v]
        if layer in self.config.local_layers:
            inputs += ["", "", self.window_bias(first_only)]
        heads = g.op("MultiHeadAttention", inputs, name, MICROSOFT, num_heads=self.config.num_heads)
        return g.named_linear(heads, f"{name}.Wo")

    def rotate(self, x: str, layer: int, name: str) -> str:
        local = layer in self.config.local_layers
        theta = self.config.local_rope_theta if local else self.config.global_rope_theta
        kind = "local" if local else "global"
        angles = _rope_angles(self.config.max_positions, self.config.head_dim, theta)
        cos = self.graph.constant(f"{kind}_cos", np.cos(angles).astype(np.float32))
        sin = self.graph.constant(f"{kind}_sin", np.sin(angles).astype(np.float32))
        inputs = [x, self.graph.ints("first_position", 0), cos, sin]
        heads = self.config.num_heads
        return self.graph.op("RotaryEmbedding", inputs, name, MICROSOFT, num_heads=heads, interleaved=0)

    def window_bias(self, first_only: bool) -> str:
        """[1, 1, L, L], or its first row: 0 within the window, far below anything else beyond."""
        name = "window_bias"
        if not self.graph.has(name):
            self._add_window_bias(name)
        if first_only:
            return self.graph.first_position(name, "window_bias_first", axis=2)
        return name

    def _add_window_bias(self, name: str) -> None:
        g = self.graph
        positions = g.op("Range", [g.scalar("start", 0), g.length(), g.scalar("step", 1)], "positions")
        rows = g.op("Unsqueeze", [positions, g.ints("axis1", 1)], "position_rows")
        columns = g.op("Unsqueeze", [positions, g.ints("axis0", 0)], "position_columns")
        distance = g.op("Abs", [g.op("Sub", [rows, columns], "offset")], "distance")
        beyond = g.op("Greater", [distance, g.scalar("window", self.config.window_tokens)], "beyond")
        levels = (("masked", _MASKED), ("visible", 0.0))
        values = [g.constant(name, np.array([value], dtype=np.float32)) for name, value in levels]
        bias = g.op("Where", [beyond, *values], "window_bias_2d")
        g.op("Unsqueeze", [bias, g.ints("axes01", 0, 1)], name)

    def mlp(self, hidden: str, layer: str) -> str:
        g, name, size = self.graph, f"{layer}.mlp", self.config.intermediate_size
        normed = g.norm(hidden, f"{layer}.mlp_norm")
        weight, bias = self.weights[f"{name}.Wi.weight"], self.weights.get(f"{name}.Wi.bias")
        halves = [
            g.linear(normed, f"{name}.{part}", weight[rows], None if bias is None else bias[rows])
            for part, rows in (("input", slice(0, size)), ("gate", slice(size, 2 * size)))
        ]
        active = g.mlp_activation(halves[0], self.config.activation, f"{name}.activation")
        return g.named_linear(g.op("Mul", [active, halves[1]], f"{name}.gated"), f"{name}.Wo")

    def head(self, hidden: str) -> None:
        g = self.graph
        normed = g.norm(hidden, "model.final_norm")
        # after the last layer of a `cls` model there is one position left, of which the mean is itself
        pooled = g.op("ReduceMean", [normed, g.ints("axis1", 1)], "pooled", keepdims=0)
        dense = g.activation(
            g.named_linear(pooled, "head.dense"), self.config.classifier_activation, "head.activation"
        )
        product = g.named_linear(g.norm(dense, "head.norm"), "classifier")
        g.op("Identity", [product], "logits")


def _rope_angles(positions: int, head_dim: int, theta: float) -> npt.NDArray[np.float64]:
    """[positions, head_dim / 2] angles of Su et al., "RoFormer" (2021).

    The frequencies are rounded to float32 as transformers does: at position 1,000 the difference would show.
    """
    exponents = np.arange(0, head_dim, 2, dtype=np.float32) / np.float32(head_dim)
    frequencies = (1.0 / (np.float32(theta) ** exponents)).astype(np.float32)
    angles = np.arange(positions, dtype=np.float32)[:, None] * frequencies[None, :]
    return angles.astype(np.float64)
