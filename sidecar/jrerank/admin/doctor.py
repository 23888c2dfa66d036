"""`doctor`: one line per dependency."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from jrerank.admin.findings import Finding, checked, report
from jrerank.admin.options import (
    DeviceOption,
    EngineOption,
    ModelOption,
    RevisionOption,
    SecondModelOption,
    plain_errors,
)
from jrerank.errors import JrerankError
from jrerank.settings import Settings

if TYPE_CHECKING:
    from jrerank.stores.store import PassageStore

_STORE_TIMEOUT_S = 5.0


def doctor(
    model: ModelOption = None,
    revision: RevisionOption = None,
    engine: EngineOption = None,
    device: DeviceOption = None,
    second_model: SecondModelOption = None,
) -> None:
    """Check everything that serving depends on; exit code 1 if something is wrong.

    Example: jrerank-admin doctor --model bundled
    """
    from jrerank.telemetry import configure_logging

    configure_logging("error", "console")
    with plain_errors():
        settings = Settings.load(
            model=model, revision=revision, engine=engine, device=device, second_model=second_model
        )
    report(findings(settings))


def findings(settings: Settings) -> Iterator[Finding]:
    """All checks, in the order in which serving needs them."""
    yield _cpu()
    yield from _scoring(settings)
    if second := settings.of_second_model():
        yield from (replace(finding, name=f"second {finding.name}") for finding in _scoring(second))
    yield from _stores(settings)
    yield checked("bind", lambda: _bind(settings))
    yield _port("port", settings.host, settings.port)
    if settings.pgwire_port is not None:
        yield _port("pgwire", settings.host, settings.pgwire_port)


def _scoring(settings: Settings) -> Iterator[Finding]:
    yield checked("model", lambda: _model(settings))
    yield checked("tokenizer", lambda: _tokenizer(settings))
    yield checked("engine", lambda: _engine(settings))


def _cpu() -> Finding:
    from jrerank.cpu import cpu_features, usable_cores

    features, cores = cpu_features(), usable_cores()
    meaning = "int8 weights of 7 bits, since products saturate" if features.saturates_int8 else "full int8"
    return Finding("cpu", True, f"{features}: {meaning}; {cores} usable cores")


def _model(settings: Settings) -> Finding:
    from jrerank.assembly import load_checkpoint

    checkpoint = load_checkpoint(settings)
    return Finding("model", True, f"{checkpoint.name} ({checkpoint.architecture.summary})")


def _tokenizer(settings: Settings) -> Finding:
    from jrerank.assembly import load_checkpoint
    from jrerank.tokenization.windows import Tokenization

    reason = Tokenization(load_checkpoint(settings), settings.max_tokens).slow_because
    if reason is None:
        return Finding("tokenizer", True, "jrerank-native, with the ids of the checkpoint's tokenizer")
    return Finding("tokenizer", None, f"the checkpoint's own; {reason}")


def _engine(settings: Settings) -> Finding:
    from jrerank.engines.accelerators import use_torch

    return _torch(settings) if use_torch(settings) else _onnx(settings)


def _torch(settings: Settings) -> Finding:
    from jrerank.assembly import load_checkpoint
    from jrerank.engines.open import open_engine

    opened = open_engine(settings, load_checkpoint(settings))
    opened.close()
    budget = f"runs of up to {opened.engine.batch_limit.tokens} tokens"
    parts = [f"torch: {opened.tried[-1]}", budget, *opened.notes(), *_refused(opened.tried)]
    return Finding("engine", True, "; ".join(parts))


def _refused(tried: Sequence[str]) -> list[str]:
    """What would have been faster."""
    return [f"refused: {reason}" for reason in tried[:-1]]


def _onnx(settings: Settings) -> Finding:
    from jrerank.assembly import load_checkpoint
    from jrerank.engines.accelerators import faster
    from jrerank.engines.onnx_cpu.choice import choose_graph

    graph = choose_graph(settings, load_checkpoint(settings))
    passed, served = True, "onnx in fp32 on the CPU"
    if graph.gate is not None:
        passed = graph.precision == "int8"
        moved = f"scores move by at most {graph.gate.score_shift:.3f}"
        served = f"{moved}; {'int8' if passed else 'too much, so fp32'} is served by onnx on the CPU"
    return Finding("engine", passed, "; ".join(filter(None, [served, faster(settings)])))


def _stores(settings: Settings) -> list[Finding]:
    if not settings.stores:
        return [Finding("stores", None, "none is configured: callers send the texts")]
    try:
        return asyncio.run(_ask_stores(settings))
    except JrerankError as error:
        return [Finding("stores", False, str(error))]


async def _ask_stores(settings: Settings) -> list[Finding]:
    from jrerank.assembly import open_stores

    async with open_stores(settings) as stores:
        return [await _ask_store(name, store) for name, store in stores.items()]


async def _ask_store(name: str, store: PassageStore) -> Finding:
    try:
        async with asyncio.timeout(_STORE_TIMEOUT_S):
            await store.check()
    except TimeoutError:
        return Finding("store", False, f"{name}: no answer within {_STORE_TIMEOUT_S:g} s")
    except JrerankError as error:
        return Finding("store", False, f"{name}: {error}")
    return Finding("store", True, f"{name} is reachable")


def _bind(settings: Settings) -> Finding:
    settings.check_bind()
    return Finding("bind", True, f"{settings.host}, {len(settings.keys())} API keys")


def _port(name: str, host: str, port: int) -> Finding:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding(name, False, f"{host}:{port}: {error.strerror}")
    return Finding(name, True, f"{port} is free")
