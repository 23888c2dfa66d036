"""The process that builds an artifact.

python -m jrerank.engines.onnx_cpu.build LOCATOR CACHE_DIR PRECISION REDUCE_RANGE
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from jrerank.cpu import usable_cores
from jrerank.engines.gate import compare
from jrerank.engines.onnx_cpu.artifact import (
    GATE_FILE,
    GRAPH_FILE,
    WAITING,
    Precision,
    Recipe,
    find_artifact,
    graph_folder,
)
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.engines.onnx_cpu.graph_file import remove_graph, save_graph
from jrerank.engines.onnx_cpu.outliers import channels_apart
from jrerank.engines.onnx_cpu.quantize import quantize_int8
from jrerank.engines.onnx_cpu.smooth import smooth
from jrerank.errors import JrerankError
from jrerank.models.architectures.architecture import Lossy
from jrerank.models.artifacts import store_artifact
from jrerank.models.checkpoint import Checkpoint, check_finite
from jrerank.models.source import open_checkpoint


def build_into(folder: Path, checkpoint: Checkpoint, recipe: Recipe) -> None:
    """Write the graph, and for int8 what the quality gate saw, into `folder`.

    Raises:
        CorruptModel: a weight is no number, or infinite.
        UnsupportedModel: in float32 the model has no logit for some text.
    """
    with _temporary_files_in(folder / "tmp"):
        _build(folder, checkpoint, recipe)


def _build(folder: Path, checkpoint: Checkpoint, recipe: Recipe) -> None:
    graph, exact = folder / GRAPH_FILE, folder / "fp32.onnx"
    weights = checkpoint.weights()
    check_finite(weights, checkpoint.name)
    save_graph(checkpoint.architecture.onnx_graph(weights), graph if recipe.precision == "fp32" else exact)
    if recipe.precision == "fp32":
        return
    halved = folder / "half.onnx"
    smoothed = smooth(checkpoint, weights, exact)
    lossy = Lossy(channels_apart(checkpoint, exact))
    save_graph(checkpoint.architecture.onnx_graph(smoothed, lossy), halved)
    quantize_int8(halved, graph, checkpoint.architecture.exact_products, reduce_range=recipe.reduce_range)
    remove_graph(halved)
    engines = [OnnxCpuEngine(path, usable_cores(), checkpoint.layout.passage_type) for path in (exact, graph)]
    (folder / GATE_FILE).write_text(json.dumps(compare(checkpoint, *engines).as_json()))
    remove_graph(exact)


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """onnxruntime's quantizer writes whole models to TMPDIR, which may be small, or not there."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    folder.mkdir()
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder)


def main(arguments: list[str]) -> int:
    """Build one artifact, unless another process has done so; stderr's last line says what went wrong."""
    logging.disable(logging.WARNING)  # the quantizer advises preprocessing, which such a graph doesn't need
    locator, cache_dir, precision, reduce_range = arguments
    recipe = Recipe(cast("Precision", precision), reduce_range == "1")
    try:
        checkpoint = open_checkpoint(locator)
        store_artifact(
            graph_folder(Path(cache_dir), checkpoint, recipe),
            build=lambda temporary: build_into(temporary, checkpoint, recipe),
            is_there=lambda: find_artifact(Path(cache_dir), checkpoint, recipe) is not None,
            on_wait=_tell_of_lock,
        )
    except JrerankError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error}; JRERANK_CACHE_DIR takes another folder\n")
        return 1
    return 0


def _tell_of_lock(path: Path) -> None:
    sys.stderr.write(f"{WAITING}{path}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
