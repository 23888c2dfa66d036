"""Settings and a checkpoint -> an engine, without a service around it."""

from __future__ import annotations

from dataclasses import dataclass

from jrerank.cpu import usable_cores
from jrerank.engines.engine import Engine
from jrerank.engines.gate import GateReport, check_finite
from jrerank.engines.onnx_cpu.choice import choose_graph
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.models.checkpoint import Checkpoint
from jrerank.settings import Settings


@dataclass(frozen=True, slots=True)
class OpenEngine:
    """An engine that is ready. `gate` is what the quality gate saw, if it had something to judge."""

    engine: Engine
    precision: str
    gate: GateReport | None


def open_engine(settings: Settings, checkpoint: Checkpoint) -> OpenEngine:
    """The engine that serves `checkpoint` under these settings; it has scored a text.

    Raises:
        ArtifactError: a graph could not be built, or does not run.
        ModelNotFound: `graph` is `prebuilt` and the checkpoint has no such file.
        UnsupportedModel: the model has no logit for some text.
    """
    graph = choose_graph(settings, checkpoint)
    workers = settings.workers or usable_cores()
    engine = OnnxCpuEngine(graph.path, workers, checkpoint.layout.passage_type)
    check_finite(checkpoint, engine)
    return OpenEngine(engine, graph.precision, graph.gate)
