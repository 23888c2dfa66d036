"""Settings and a checkpoint -> an engine, without a service around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jrerank.cpu import usable_cores
from jrerank.engines.accelerators import use_torch
from jrerank.engines.engine import Engine
from jrerank.engines.gate import GateReport, check_finite
from jrerank.engines.onnx_cpu.choice import choose_graph
from jrerank.engines.onnx_cpu.engine import OnnxCpuEngine
from jrerank.models.checkpoint import Checkpoint
from jrerank.settings import Settings


@dataclass(frozen=True, slots=True)
class OpenEngine:
    """An engine that is ready. `gate` is what the quality gate saw, if it had something to judge.

    `tried` says of each way to compute that was tried how it went; the last one serves. `notes` say what it computes on,
    and what would be faster. `padding_tokens` counts what was computed beyond what windows hold.
    """

    engine: Engine
    precision: str
    gate: GateReport | None
    tried: tuple[str, ...] = ()
    notes: Callable[[], tuple[str, ...]] = tuple
    padding_tokens: Callable[[], int] = lambda: 0
    close: Callable[[], None] = lambda: None


def open_engine(settings: Settings, checkpoint: Checkpoint) -> OpenEngine:
    """The engine that serves `checkpoint` under these settings; it has scored a text.

    Raises:
        ConfigurationError: the engine or the device isn't here.
        ArtifactError: a graph could not be built, or does not run.
        ModelNotFound: `graph` is `prebuilt` and the checkpoint has no such file.
        UnsupportedModel: the model has no logit for some text.
    """
    if use_torch(settings):
        return _open_torch(settings, checkpoint)
    graph = choose_graph(settings, checkpoint)
    workers = settings.workers or usable_cores()
    engine = OnnxCpuEngine(graph.path, workers, checkpoint.layout.passage_type)
    check_finite(checkpoint, engine)
    return OpenEngine(engine, graph.precision, graph.gate)


def _open_torch(settings: Settings, checkpoint: Checkpoint) -> OpenEngine:
    from jrerank.engines.torch_packed.open import open_torch  # noqa: PLC0415  torch is an extra

    opened = open_torch(checkpoint, settings.device, settings.precision, settings.workers)
    check_finite(checkpoint, opened.engine)
    return OpenEngine(
        opened.engine,
        opened.precision,
        gate=None,
        tried=tuple(map(str, opened.judgements)),
        notes=opened.notes,
        padding_tokens=opened.padding_tokens,
        close=opened.close,
    )
