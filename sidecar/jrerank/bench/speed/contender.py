"""What is measured: our own engines under any settings, and an endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import get_args

from jrerank.bench.speed.workload import Workload
from jrerank.cpu import usable_cores
from jrerank.domain import Window
from jrerank.engines.engine import Engine
from jrerank.engines.open import open_engine
from jrerank.errors import EngineError, JrerankError
from jrerank.models.checkpoint import Checkpoint
from jrerank.settings import Settings

Run = Callable[[Workload], object]
Check = Callable[[object, Workload], None]


def _as_it_came(_: object, __: Workload) -> None:
    """Nothing is checked: an engine raises where it doesn't score."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to score a workload; `variables` are the settings that choose it, where it is one of ours.

    `remote` is what another process computes, whose CPU time isn't known. `check` raises where what `run` gave isn't the whole
    work; its time doesn't count.
    """

    name: str
    description: str
    run: Run
    variables: tuple[tuple[str, str], ...] = ()
    remote: bool = False
    check: Check = _as_it_came

    @property
    def ours(self) -> bool:
        """Whether it can be advised."""
        return bool(self.variables)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of our own are measured: of these names, or of all where none is given."""

    engines: frozenset[str] = frozenset()
    precisions: frozenset[str] = frozenset()
    graphs: frozenset[str] = frozenset()

    def has(self, settings: Settings) -> bool:
        """Whether it is one of them."""
        chosen = (
            (self.engines, settings.engine),
            (self.precisions, settings.precision),
            (self.graphs, settings.graph),
        )
        return all(not names or name in names for names, name in chosen)


@contextmanager
def engine_contender(settings: Settings, checkpoint: Checkpoint) -> Iterator[Contender]:
    """An engine alone, on tokenized pairs, with a thread for each of its workers.

    Raises:
        ConfigurationError: it can't be had here: no such graph, or the gate refused int8.
    """
    opened = open_engine(settings, checkpoint)
    if opened.precision != settings.precision:
        raise JrerankError(f"the quality gate refused {settings.precision}")
    engine = opened.engine
    with closing(opened), ThreadPoolExecutor(engine.workers) as pool:
        yield Contender(
            name_of(settings, engine),
            f"{engine.name}, {opened.precision}, {settings.graph} graph, {engine.workers} workers",
            partial(_score, engine, pool),
            _variables(settings, engine),
        )


def own_settings(base: Settings, choice: Choice) -> Iterator[Settings]:
    """Every engine, graph and precision that the settings know and `choice` has, each with a worker per core."""
    for changes in filter(_is_sensible, _combinations(("engine", "graph", "precision"))):
        settings = base.model_copy(update={**changes, "workers": base.workers or usable_cores()})
        if choice.has(settings):
            yield settings


def _is_sensible(changes: Mapping[str, object]) -> bool:
    """torch has neither graphs of its own nor int8, onnx has no half precision."""
    if changes.get("engine") == "torch":
        return changes.get("graph") == "own" and changes.get("precision") != "int8"
    return changes.get("precision") in {"int8", "fp32"}


def name_of(settings: Settings, engine: Engine) -> str:
    """Short, and the same in every run."""
    return f"{engine.name} {settings.precision} {settings.graph} x{engine.workers}"


def _combinations(names: Sequence[str]) -> Iterator[dict[str, object]]:
    """Of the choices of those settings that this version has; `auto` is none of its own."""
    if not names:
        yield {}
        return
    field = Settings.model_fields.get(names[0])
    choices = (
        []
        if field is None
        else [one for one in get_args(field.annotation) if isinstance(one, str) and one != "auto"]
    )
    for rest in _combinations(names[1:]):
        if not choices:
            yield rest
        for choice in choices:
            yield {names[0]: choice, **rest}


def _variables(settings: Settings, engine: Engine) -> tuple[tuple[str, str], ...]:
    names = [name for name in ("engine", "precision", "graph") if name in Settings.model_fields]
    chosen = [(f"JRERANK_{name.upper()}", str(getattr(settings, name))) for name in names]
    return (*chosen, ("JRERANK_WORKERS", str(engine.workers)))


def _score(engine: Engine, pool: ThreadPoolExecutor, work: Workload) -> None:
    """As the scheduler's workers do: batches within the engine's limit, in the order of the hits.

    Raises:
        EngineError: a window could not be scored.
    """
    for logits in pool.map(engine.score, batches(work.windows, engine)):
        for logit in logits:
            if isinstance(logit, EngineError):
                raise logit


def batches(windows: Sequence[Window], engine: Engine) -> Iterator[Sequence[Window]]:
    """Cut where the engine's limit of windows or of tokens is reached."""
    limit, batch, tokens = engine.batch_limit, list[Window](), 0
    for window in windows:
        if batch and (len(batch) >= limit.windows or tokens + len(window) > limit.tokens):
            yield batch
            batch, tokens = [], 0
        batch.append(window)
        tokens += len(window)
    if batch:
        yield batch
