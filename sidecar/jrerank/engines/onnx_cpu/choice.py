"""Which graph serves: int8 if the quality gate lets it, else fp32; of our own, or the checkpoint's own files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jrerank.cpu import cpu_features, usable_cores
from jrerank.engines.gate import GateLimits, GateReport, compare
from jrerank.engines.onnx_cpu.artifact import Precision, Recipe, ensure_artifact
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.engines.onnx_cpu.prebuilt import prebuilt_graph
from jrerank.errors import ConfigurationError
from jrerank.models.checkpoint import Checkpoint
from jrerank.settings import Settings
from jrerank.telemetry import logger

_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class ChosenGraph:
    """The graph that is to serve, and what the gate saw of int8 if that was to be served."""

    path: Path
    precision: Precision
    gate: GateReport | None = None


def choose_graph(settings: Settings, checkpoint: Checkpoint) -> ChosenGraph:
    """The graph that serves under these settings; built if it isn't there.

    Raises:
        ConfigurationError: it cannot compute in that precision.
        ArtifactError: a graph could not be built, or does not run.
        ModelNotFound: `graph` is `prebuilt` and the checkpoint has no such file.
        UnsupportedModel: the model has no logit for some text.
    """
    if settings.precision in {"fp16", "bf16"}:
        raise ConfigurationError(
            f"precision {settings.precision} needs engine torch; engine onnx computes in int8 or fp32"
        )
    prebuilt = settings.graph == "prebuilt"
    if settings.precision == "fp32":
        graph = (
            prebuilt_graph(checkpoint, "fp32", cpu_features()) if prebuilt else _fp32(settings, checkpoint)
        )
        return ChosenGraph(graph, "fp32")
    int8, report = (_prebuilt_int8 if prebuilt else _own_int8)(settings, checkpoint)
    if report.passes(GateLimits(settings.gate_max_score_shift, settings.gate_max_inversion)):
        return ChosenGraph(int8, "int8", report)
    _LOG.warning("quality_gate_failed", serving="fp32", model=checkpoint.name, **report.as_json())
    return ChosenGraph(_fp32(settings, checkpoint), "fp32", report)


def _fp32(settings: Settings, checkpoint: Checkpoint) -> Path:
    return ensure_artifact(settings.cache_dir, checkpoint, Recipe("fp32")).graph


def _own_int8(settings: Settings, checkpoint: Checkpoint) -> tuple[Path, GateReport]:
    built = ensure_artifact(settings.cache_dir, checkpoint, Recipe.for_cpu("int8", cpu_features()))
    return built.graph, built.gate or _compared(settings, checkpoint, built.graph)


def _prebuilt_int8(settings: Settings, checkpoint: Checkpoint) -> tuple[Path, GateReport]:
    """Nobody has compared that file with fp32 here, so it is done at each start, which takes some seconds."""
    int8 = prebuilt_graph(checkpoint, "int8", cpu_features())
    return int8, _compared(settings, checkpoint, int8)


def _compared(settings: Settings, checkpoint: Checkpoint, int8: Path) -> GateReport:
    exact, tested = (
        OnnxCpuEngine(path, usable_cores(), checkpoint.layout.passage_type)
        for path in (_fp32(settings, checkpoint), int8)
    )
    return compare(checkpoint, exact, tested)
