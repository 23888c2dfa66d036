"""Our own graphs of a checkpoint, built once for each kind of CPU and kept.

Building runs in a process of its own, so that the sidecar never holds the float32 weights, and killing either of them
leaves nothing half done.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jrerank.cpu import CpuFeatures
from jrerank.engines.gate import GateReport
from jrerank.errors import ArtifactError
from jrerank.models.artifacts import artifact_folder, is_whole
from jrerank.models.checkpoint import Checkpoint
from jrerank.telemetry import logger

_LOG = logger(__name__)
Precision = Literal["int8", "fp32"]
GRAPH_FILE, GATE_FILE = "model.onnx", "gate.json"
# What the process that builds writes before the path of a lock that it waits for
WAITING = "waiting for "
# Raised whenever a graph or its quantization becomes another for the same checkpoint
_GRAPH_VERSION = 7


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is made of a checkpoint."""

    precision: Precision
    reduce_range: bool = False

    @classmethod
    def for_cpu(cls, precision: Precision, features: CpuFeatures) -> Recipe:
        """The recipe for this machine."""
        return cls(precision, reduce_range=precision == "int8" and features.saturates_int8)

    def __str__(self) -> str:
        return f"{self.precision}{'r' if self.reduce_range else ''}-v{_GRAPH_VERSION}"

    @property
    def files(self) -> tuple[str, ...]:
        """What it makes: the graph, and for int8 what the quality gate saw."""
        return (GRAPH_FILE, GATE_FILE) if self.precision == "int8" else (GRAPH_FILE,)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A graph that is whole. `gate` is None for fp32."""

    graph: Path
    gate: GateReport | None


def graph_folder(cache_dir: Path, checkpoint: Checkpoint, recipe: Recipe) -> Path:
    """Where the graph is, or will be."""
    return artifact_folder(cache_dir, checkpoint, str(recipe))


def find_artifact(cache_dir: Path, checkpoint: Checkpoint, recipe: Recipe) -> Artifact | None:
    """The artifact, if it is there and whole.

    Raises:
        ArtifactError: it is there, but others could have written it.
    """
    folder = graph_folder(cache_dir, checkpoint, recipe)
    if not is_whole(folder, recipe.files):
        return None
    if GATE_FILE not in recipe.files:
        return Artifact(folder / GRAPH_FILE, None)
    gate = _gate_report(folder / GATE_FILE)
    return None if gate is None else Artifact(folder / GRAPH_FILE, gate)


def ensure_artifact(cache_dir: Path, checkpoint: Checkpoint, recipe: Recipe) -> Artifact:
    """The artifact; built by a child process if it isn't there, or isn't whole.

    Raises:
        ArtifactError: it could not be built, or not stored, or is not to be trusted; the message says why.
    """
    if artifact := find_artifact(cache_dir, checkpoint, recipe):
        return artifact
    arguments = [checkpoint.locator, str(cache_dir), recipe.precision, str(int(recipe.reduce_range))]
    status, reason = _run_build(arguments)
    built = find_artifact(cache_dir, checkpoint, recipe)
    if status or built is None:
        reason = reason or f"the build ended with status {status}"
        raise ArtifactError(f"the {recipe.precision} graph of {checkpoint.name} could not be built: {reason}")
    return built


def _gate_report(path: Path) -> GateReport | None:
    try:
        return GateReport.from_json(json.loads(path.read_text()))
    except (OSError, ValueError, RecursionError):
        return None


def _run_build(arguments: list[str]) -> tuple[int, str]:
    """Its exit status, and what it said last."""
    last = ""
    with subprocess.Popen(  # noqa: S603  our own module, our own arguments
        [sys.executable, "-m", "jrerank.engines.onnx_cpu.build", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as child:
        for line in child.stderr or ():
            if line.startswith(WAITING):
                _LOG.warning("artifact_lock_held", lock=line.removeprefix(WAITING).strip())
            last = line.strip() or last
    return child.returncode, last
