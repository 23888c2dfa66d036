"""Built graphs on disk: atomic, locked, keyed by fingerprint and recipe.

    <cache_dir>/artifacts/<fingerprint>-<recipe>/model.onnx
                                                 manifest.json   SHA-256 of each of the others
                                                 gate.json       int8 only: what the quality gate saw

A folder appears under its name only when it is whole. Building runs in a process of its own, so that the
sidecar never holds the float32 weights, and killing either of them leaves nothing half done.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from jrerank.cpu import CpuFeatures
from jrerank.errors import ArtifactError
from jrerank.models.checkpoint import Checkpoint
from jrerank.models.quantize import GateReport

Precision = Literal["int8", "fp32"]
# Raised whenever graph.py or quantize.py makes something else of the same checkpoint
_GRAPH_VERSION = 3
_KEY_CHARS = 16


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


@dataclass(frozen=True, slots=True)
class Artifact:
    """A graph that is whole. `gate` is None for fp32."""

    graph: Path
    gate: GateReport | None


def artifact_folder(cache_dir: Path, checkpoint: Checkpoint, recipe: Recipe) -> Path:
    """Where the artifact is, or will be."""
    return cache_dir / "artifacts" / f"{artifact_key(checkpoint)}-{recipe}"


def built_artifacts(cache_dir: Path) -> dict[str, list[str]]:
    """What has been built: the beginning of a checkpoint's fingerprint -> recipes with their sizes."""
    built: dict[str, list[str]] = {}
    for graph in sorted((cache_dir / "artifacts").glob("[!.]*/model.onnx")):
        key, _, recipe = graph.parent.name.partition("-")
        built.setdefault(key, []).append(f"{recipe} ({graph.stat().st_size / 1e6:.1f} MB)")
    return built


def artifact_key(checkpoint: Checkpoint) -> str:
    """The key of a checkpoint in `built_artifacts`."""
    return checkpoint.fingerprint[:_KEY_CHARS]


def forget_artifacts(cache_dir: Path, checkpoint: Checkpoint, precision: Precision) -> None:
    """Remove what has been built of a checkpoint in one precision. Who serves it meanwhile has its graph in memory.

    Raises:
        ArtifactError: a folder cannot be removed.
    """
    for folder in (cache_dir / "artifacts").glob(f"{artifact_key(checkpoint)}-{precision}*/"):
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise ArtifactError(f"{folder} cannot be removed: {error.strerror}") from error


def find_artifact(cache_dir: Path, checkpoint: Checkpoint, recipe: Recipe) -> Artifact | None:
    """The artifact, if it is there and whole."""
    folder = artifact_folder(cache_dir, checkpoint, recipe)
    files = {"model.onnx", "gate.json"} if recipe.precision == "int8" else {"model.onnx"}
    try:
        if json.loads((folder / "manifest.json").read_text()) != {
            file: _sha256(folder / file) for file in files
        }:
            return None
    except (OSError, ValueError):
        return None
    gate = GateReport(**json.loads((folder / "gate.json").read_text())) if "gate.json" in files else None
    return Artifact(folder / "model.onnx", gate)


def ensure_artifact(cache_dir: Path, checkpoint: Checkpoint, recipe: Recipe) -> Artifact:
    """The artifact; built by a child process if it isn't there, or isn't whole.

    Raises:
        ArtifactError: it could not be built, or not stored; the message says why.
    """
    if found := find_artifact(cache_dir, checkpoint, recipe):
        return found
    arguments = [checkpoint.locator, str(cache_dir), recipe.precision, str(int(recipe.reduce_range))]
    child = subprocess.run(  # noqa: S603  our own module, our own arguments
        [sys.executable, "-m", "jrerank.models.build", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    built = find_artifact(cache_dir, checkpoint, recipe)
    if child.returncode or built is None:
        reason = _last_line(child.stderr) or f"the build ended with status {child.returncode}"
        raise ArtifactError(f"the {recipe.precision} graph of {checkpoint.name} could not be built: {reason}")
    return built


def store_artifact(folder: Path, build: Callable[[Path], None], is_there: Callable[[], bool]) -> None:
    """Let `build` fill a temporary folder beside `folder`, and move it there when it is whole.

    One process builds at a time, and not what `is_there` by then. What earlier builds that were killed have left
    behind is removed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f"{folder.name}.lock"):
        if is_there():
            return
        for leftover in folder.parent.glob(f".{folder.name}.*"):
            shutil.rmtree(leftover, ignore_errors=True)
        temporary = folder.parent / f".{folder.name}.{os.getpid()}"
        temporary.mkdir()
        try:
            build(temporary)
            _seal(temporary)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _seal(folder: Path) -> None:
    manifest = {path.name: _sha256(path) for path in folder.iterdir()}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for path in folder.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
