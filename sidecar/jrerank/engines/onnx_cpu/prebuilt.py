"""Graphs that come with a checkpoint, in its folder `onnx`, used as they are."""

from __future__ import annotations

from pathlib import Path

from jrerank.cpu import CpuFeatures
from jrerank.engines.onnx_cpu.artifact import Precision
from jrerank.engines.onnx_cpu.session import Graph
from jrerank.errors import ArtifactError, ModelNotFound
from jrerank.models.checkpoint import Checkpoint


def prebuilt_graph(checkpoint: Checkpoint, precision: Precision, features: CpuFeatures) -> Path:
    """The file that suits this CPU; it has been loaded and has scored a pair.

    Raises:
        ModelNotFound: the checkpoint has no such file.
        ArtifactError: the file is damaged, or isn't the graph of a cross-encoder.
    """
    names = graph_names(precision, features)
    folder = checkpoint.folder / "onnx" if checkpoint.folder else None
    for name in names:
        if folder is not None and (folder / name).is_file():
            _try(checkpoint, folder / name)
            return folder / name
    raise ModelNotFound(
        f"{checkpoint.name} has no onnx/{' or onnx/'.join(names)}; leave out --graph prebuilt to have one built"
    )


def graph_names(precision: Precision, features: CpuFeatures) -> tuple[str, ...]:
    """What such files are called in hub repositories, the best for this CPU first."""
    if precision == "fp32":
        return ("model.onnx",)
    if features.architecture == "aarch64":
        return ("model_qint8_arm64.onnx",)
    wide = ("model_qint8_avx512_vnni.onnx",) if "avx512_vnni" in features.flags else ()
    return (*wide, "model_qint8_avx2.onnx")


def _try(checkpoint: Checkpoint, path: Path) -> None:
    graph = Graph(path, checkpoint.layout.passage_type)
    try:
        graph.logit(checkpoint.layout.join((), ()))
    except Exception as error:  # onnxruntime's errors have no common class
        reason = str(error).strip().partition("\n")[0]
        raise ArtifactError(f"{path} is not the graph of a cross-encoder: {reason}") from error
