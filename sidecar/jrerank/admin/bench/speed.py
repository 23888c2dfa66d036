"""`bench speed`: is it fast, against what, and what to set."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.bench.addresses import endpoint
from jrerank.admin.bench.choices import Engine, Graph, Precision
from jrerank.admin.bench.output import (
    CompareOption,
    HtmlOption,
    JsonOption,
    Outputs,
    ThresholdOption,
    writable,
)
from jrerank.admin.bench.progress import Progress
from jrerank.admin.options import ModelOption, RevisionOption, plain_errors
from jrerank.errors import ConfigurationError, InvalidInput
from jrerank.settings import Settings

if TYPE_CHECKING:
    from jrerank.bench.report.schema import Report
    from jrerank.bench.speed.contender import Choice, Contender
    from jrerank.bench.speed.run import Amount
    from jrerank.bench.speed.workload import WorkloadMaker
    from jrerank.models.checkpoint import Checkpoint

_TIMEOUT_S = 600


def speed(
    model: ModelOption = None,
    revision: RevisionOption = None,
    pairs: Annotated[int, typer.Option(min=1, help="scored in each round")] = 100,
    mean_tokens: Annotated[
        int, typer.Option(min=32, help="of a pair; lengths are lognormal, as real passages' are")
    ] = 186,
    rounds: Annotated[int, typer.Option(min=3, help="everything in turn, so many times")] = 7,
    engine: Annotated[
        list[Engine] | None, typer.Option(help="of ours only this; may be repeated; default: all")
    ] = None,
    precision: Annotated[
        list[Precision] | None, typer.Option(help="of ours only this; may be repeated; default: all")
    ] = None,
    graph: Annotated[
        list[Graph] | None, typer.Option(help="of ours only this; may be repeated; default: all")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="only so many; default: one per core, and the best with half and twice"),
    ] = None,
    curves: Annotated[bool, typer.Option(help="latency by depth and speed by length too")] = True,
    peers: Annotated[
        bool, typer.Option(help="sentence-transformers, stock ONNX, OpenVINO, where they are installed")
    ] = False,
    url: Annotated[
        list[str] | None,
        typer.Option(help="a running endpoint as DIALECT=URL: hits, cohere or tei; may be repeated"),
    ] = None,
    url_model: Annotated[str | None, typer.Option(help="the model that the endpoints are asked for")] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option("--settings-file", help="write what it advises there, as JRERANK_* variables"),
    ] = None,
    json: JsonOption = None,
    html: HtmlOption = None,
    compare: CompareOption = None,
    threshold: ThresholdOption = 5.0,
) -> None:
    """Measure every engine, precision and graph that this machine can run, and peers, in turn on the same pairs.

    Example: jrerank-admin bench speed --model random:xsmall-v2 --peers --settings-file jrerank.env
    """
    from jrerank.telemetry import configure_logging

    configure_logging("error", "console")
    with plain_errors():
        from jrerank.bench.speed.contender import Choice
        from jrerank.bench.speed.run import Amount

        outputs = Outputs.open("speed", json, html, compare)
        writable(settings_file, "--settings-file")
        base = Settings.load(model=model, revision=revision, workers=workers)
        choice = Choice(frozenset(engine or ()), frozenset(precision or ()), frozenset(graph or ()))
        amount = Amount(pairs, rounds, mean_tokens, curves)
        report = _measured(base, choice, amount, _Others(peers, tuple(url or ()), url_model))
        if settings_file is not None:
            _write(settings_file, report)
        outputs.deliver(report, threshold)


@dataclass(frozen=True, slots=True)
class _Others:
    """What is measured beside our own engines."""

    peers: bool
    urls: tuple[str, ...]
    url_model: str | None


def _measured(base: Settings, choice: Choice, amount: Amount, others: _Others) -> Report:
    from jrerank.bench.speed.report import speed_report
    from jrerank.bench.speed.run import measure
    from jrerank.bench.speed.workload import WorkloadMaker
    from jrerank.models.source import open_checkpoint

    checkpoint = open_checkpoint(base.model, base.revision)
    maker = WorkloadMaker(checkpoint, base.max_tokens)
    with ExitStack() as stack, Progress() as progress:
        remote = [_remote(text, others.url_model, stack) for text in others.urls]
        contenders, left_out = _ours(base, choice, amount, checkpoint, maker, stack)
        if others.peers:
            from jrerank.bench.speed.peers.installed import open_peers

            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jrerank-peers-")))
            found = open_peers(checkpoint, maker.max_tokens, folder)
            contenders += found.contenders
            left_out += found.left_out
        measured = measure(base.model, maker, [*contenders, *remote], amount, progress, left_out)
        return speed_report(measured)


def _ours(
    base: Settings,
    choice: Choice,
    amount: Amount,
    checkpoint: Checkpoint,
    maker: WorkloadMaker,
    stack: ExitStack,
) -> tuple[list[Contender], list[str]]:
    """With half and twice the workers too, unless their number is given."""
    from jrerank.bench.speed.run import fastest, more_workers, open_own

    contenders, left_out = open_own(base, checkpoint, stack, choice)
    if not contenders:
        raise ConfigurationError(
            f"no engine can run {base.model} as asked: {'; '.join(left_out) or 'no such combination'}"
        )
    if base.workers is None:
        best = fastest(contenders, maker.mixed(min(20, amount.pairs), amount.mean_tokens))
        contenders += more_workers(best, base, checkpoint, stack)
    return contenders, left_out


def _remote(text: str, model: str | None, stack: ExitStack) -> Contender:
    dialect, url = endpoint(text)
    try:
        import httpx

        from jrerank.bench.speed.remote import remote_contender
    except ImportError:
        raise ConfigurationError("httpx is needed: pip install 'jrerank[bench]'") from None
    return remote_contender(stack.enter_context(httpx.Client(timeout=_TIMEOUT_S)), url, dialect, model)


def _write(path: Path, report: Report) -> None:
    """For `env`, systemd's EnvironmentFile and compose's env_file."""
    lines = [f"# {report.title}, {report.created}, {report.machine.cpu}"]
    lines += [f"{setting.variable}={setting.value}" for setting in report.advice]
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} can't be written: {error.strerror}", field="settings-file") from None
