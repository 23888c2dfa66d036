"""Puts an ONNX graph together, one window per run: what the architectures' graphs have in common.

What makes such a graph faster than a plain export is measured in each architecture's `graph.py`. Common to all:

* q, k and v are three MatMuls, not a Split of a fused product;
* onnxruntime's fused MultiHeadAttention, without a mask since there is no padding;
* plain Add and LayerNormalization: the fused SkipLayerNormalization is slower here;
* where only position 0 of the last layer is read, its query, output projection and MLP are computed there alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from jrerank.models.architectures.architecture import Float32Array, Lossy, Weights
from jrerank.models.architectures.config_reader import Activation

MICROSOFT = "com.microsoft"
_OPSET, _IR_VERSION = 18, 9
_NODES: dict[Activation, tuple[str, str]] = {
    "gelu": ("Gelu", MICROSOFT),
    "gelu_pytorch_tanh": ("FastGelu", MICROSOFT),
    "relu": ("Relu", ""),
}


@dataclass
class OnnxGraph:
    """Collects nodes and initializers; each method adds a part and returns the name of its output."""

    weights: Weights
    norm_eps: float
    lossy: Lossy | None = None
    _model: onnx.ModelProto = field(default_factory=onnx.ModelProto)
    _names: set[str] = field(default_factory=set)

    def op(self, kind: str, inputs: Sequence[str], name: str, domain: str = "", **attributes: Any) -> str:
        """Any node with one output."""
        node = helper.make_node(kind, inputs, [name], name=name, domain=domain, **attributes)
        self._model.graph.node.append(node)
        self._names.add(name)
        return name

    def has(self, name: str) -> bool:
        """Whether there is such a node or constant."""
        return name in self._names

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """An initializer; the same name is the same value."""
        if not self.has(name):
            # Straight into the model: large models are in memory once
            tensor = numpy_helper.from_array(np.asarray(value, order="C"), name)
            self._model.graph.initializer.append(tensor)
            self._names.add(name)
        return name

    def ints(self, name: str, *values: int) -> str:
        """A list of whole numbers."""
        return self.constant(name, np.array(values, dtype=np.int64))

    def scalar(self, name: str, value: int) -> str:
        """A whole number."""
        return self.constant(name, np.array(value, dtype=np.int64))

    def linear(self, x: str, name: str, weight: Float32Array, bias: Float32Array | None) -> str:
        """x times `weight` [outputs, inputs], plus `bias` if there is one."""
        product = self.op("MatMul", [x, self.constant(f"{name}.weight", weight.T)], f"{name}.matmul")
        if bias is None:
            return product
        return self.op("Add", [product, self.constant(f"{name}.bias", bias)], f"{name}.biased")

    def named_linear(self, x: str, name: str) -> str:
        """The linear layer that the checkpoint calls `name`."""
        return self.linear(x, name, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def norm(self, x: str, name: str) -> str:
        """The layer norm that the checkpoint calls `name`."""
        inputs = [x, self.constant(f"{name}.weight", self.weights[f"{name}.weight"])]
        if f"{name}.bias" in self.weights:
            inputs.append(self.constant(f"{name}.bias", self.weights[f"{name}.bias"]))
        return self.op("LayerNormalization", inputs, name, axis=-1, epsilon=self.norm_eps)

    def activation(self, x: str, kind: Activation, name: str) -> str:
        """An activation as it is."""
        node, domain = _NODES[kind]
        return self.op(node, [x], name, domain)

    def mlp_activation(self, x: str, kind: Activation, name: str) -> str:
        """An activation within a layer, where the GELU may be approximated."""
        approximate = self.lossy is not None and kind == "gelu"
        return self.activation(x, "gelu_pytorch_tanh" if approximate else kind, name)

    def first_position(self, x: str, name: str, axis: int = 1) -> str:
        """Position 0 alone; the axis stays."""
        bounds = [self.ints("zero", 0), self.ints("one", 1), self.ints(f"axis{axis}", axis)]
        return self.op("Slice", [x, *bounds], name)

    def token_rows(self, table: Float32Array) -> str:
        """The embeddings of `input_ids`, [1, L, hidden]."""
        half = self.lossy is not None
        stored = table.astype(np.float16) if half else table
        rows = self.op("Gather", [self.constant("tok_embeddings", stored), "input_ids"], "embedding_rows")
        return self.op("Cast", [rows], "embedding_rows_float", to=TensorProto.FLOAT) if half else rows

    def length(self) -> str:
        """L as a scalar."""
        if not self.has("length"):
            shape = self.op("Shape", ["input_ids"], "shape")
            self.op("Gather", [shape, self.scalar("index_one", 1)], "length")
        return "length"

    def model(self, inputs: Sequence[str]) -> onnx.ModelProto:
        """The whole: `inputs` are int64 [1, L], the node `logits` is the output."""
        model, graph = self._model, self._model.graph
        graph.name, model.producer_name, model.ir_version = "cross_encoder", "jrerank", _IR_VERSION
        for name in inputs:
            graph.input.append(helper.make_tensor_value_info(name, TensorProto.INT64, [1, "length"]))
        graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1]))
        model.opset_import.extend([helper.make_opsetid("", _OPSET), helper.make_opsetid(MICROSOFT, 1)])
        return model
