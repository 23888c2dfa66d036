"""A graph on disk. What is too large for one protobuf message has its weights in a second file beside it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import onnx
from onnx import TensorProto, helper

# protobuf ends at 2 GiB, and graphs are copied with what quantizing adds
LARGEST_MESSAGE_BYTES = 1_500_000_000


def save_graph(model: onnx.ModelProto, path: Path) -> None:
    """Write `model` to `path`, and, if it is large, its weights to `path` with `.data` behind it."""
    weights_bytes = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    if weights_bytes <= LARGEST_MESSAGE_BYTES:
        onnx.save(model, path)
        return
    weights = data_file(path)
    weights.unlink(missing_ok=True)  # onnx would write behind what is there
    onnx.save(model, path, save_as_external_data=True, location=weights.name)


def with_outputs(source: Path, target: Path, names: Iterable[str]) -> None:
    """Write to `target`, in the same folder, the graph at `source` with further float32 outputs; it shares the weights."""
    model = onnx.load(source, load_external_data=False)
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    onnx.save(model, target)


def remove_graph(path: Path) -> None:
    """Remove a graph, with its weights."""
    path.unlink()
    data_file(path).unlink(missing_ok=True)


def data_file(path: Path) -> Path:
    """Where a large graph's weights are."""
    return path.with_name(f"{path.name}.data")
