"""The process that builds an artifact.

python -m jrerank.models.build LOCATOR CACHE_DIR PRECISION REDUCE_RANGE
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import cast

import onnx

from jrerank.errors import JrerankError
from jrerank.models.artifacts import Precision, Recipe, artifact_folder, find_artifact, store_artifact
from jrerank.models.checkpoint import Checkpoint
from jrerank.models.gate import gate
from jrerank.models.graph import build_graph
from jrerank.models.quantize import quantize_int8
from jrerank.models.smooth import smooth
from jrerank.models.source import open_checkpoint


def build_into(folder: Path, checkpoint: Checkpoint, recipe: Recipe) -> None:
    """Write `model.onnx`, and for int8 `gate.json`, into `folder`."""
    graph, exact = folder / "model.onnx", folder / "fp32.onnx"
    weights = checkpoint.weights()
    onnx.save(build_graph(checkpoint.config, weights), graph if recipe.precision == "fp32" else exact)
    if recipe.precision == "fp32":
        return
    halved = folder / "half.onnx"
    smoothed = smooth(checkpoint, weights, exact)
    onnx.save(build_graph(checkpoint.config, smoothed, half_embeddings=True, approximate_gelu=True), halved)
    quantize_int8(halved, graph, reduce_range=recipe.reduce_range)
    halved.unlink()
    (folder / "gate.json").write_text(json.dumps(gate(checkpoint, exact, graph).as_json()))
    exact.unlink()


def main(arguments: list[str]) -> int:
    """Build one artifact, unless another process has done so; stderr's last line says what went wrong."""
    logging.disable(logging.WARNING)  # the quantizer advises preprocessing, which such a graph doesn't need
    locator, cache_dir, precision, reduce_range = arguments
    recipe = Recipe(cast("Precision", precision), reduce_range == "1")
    try:
        checkpoint = open_checkpoint(locator)
        store_artifact(
            artifact_folder(Path(cache_dir), checkpoint, recipe),
            build=lambda temporary: build_into(temporary, checkpoint, recipe),
            is_there=lambda: find_artifact(Path(cache_dir), checkpoint, recipe) is not None,
        )
    except JrerankError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error}; JRERANK_CACHE_DIR takes another folder\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
