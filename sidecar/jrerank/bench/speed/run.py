"""Everything that is measured, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from jrerank.bench.machine import describe_machine
from jrerank.bench.report.names import distinct
from jrerank.bench.speed.contender import Choice, Contender, engine_contender, own_settings
from jrerank.bench.speed.report import Measured
from jrerank.bench.speed.rounds import Progress, Timings, interleaved
from jrerank.bench.speed.workload import Workload, WorkloadMaker
from jrerank.errors import JrerankError
from jrerank.models.checkpoint import Checkpoint
from jrerank.settings import Settings

_DEPTHS = (1, 10, 30, 100)
_LENGTHS = (32, 64, 128, 256, 512)
_LENGTH_PAIRS = 8


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is measured; without `curves` only the mixed workload."""

    pairs: int = 100
    rounds: int = 7
    mean_tokens: int = 186
    curves: bool = True


def open_own(
    base: Settings, checkpoint: Checkpoint, stack: ExitStack, choice: Choice | None = None
) -> tuple[list[Contender], list[str]]:
    """Our engines that can be had here, and why the others can't; of `choice` alone where one is given."""
    contenders: list[Contender] = []
    left_out: list[str] = []
    for settings in own_settings(base, choice or Choice()):
        try:
            contender = stack.enter_context(engine_contender(settings, checkpoint))
            if contender.name not in {one.name for one in contenders}:  # two settings may come to the same
                contenders.append(contender)
        except JrerankError as error:
            left_out.append(f"{settings.precision} {settings.graph}: {error}")
    return contenders, left_out


def more_workers(
    best: Contender, base: Settings, checkpoint: Checkpoint, stack: ExitStack
) -> list[Contender]:
    """The best of ours with half and with twice its workers."""
    chosen = {name.removeprefix("JRERANK_").lower(): value for name, value in best.variables}
    workers = int(chosen.pop("workers"))
    settings = [
        base.model_copy(update={**chosen, "workers": count})
        for count in sorted({max(1, workers // 2), workers * 2} - {workers})
    ]
    more = [stack.enter_context(engine_contender(one, checkpoint)) for one in settings]
    return [one for one in more if one.name != best.name]  # an engine may have one worker whatever it is told


def measure(
    model: str,
    maker: WorkloadMaker,
    contenders: Sequence[Contender],
    amount: Amount,
    progress: Progress,
    left_out: Sequence[str] = (),
) -> Measured:
    """The mixed workload first, then curves of our own engines with fewer rounds."""
    machine = describe_machine()
    names = distinct(one.name for one in contenders)
    contenders = [replace(one, name=name) for one, name in zip(contenders, names, strict=True)]
    work = maker.mixed(amount.pairs, amount.mean_tokens)
    timings = interleaved(contenders, work, amount.rounds, progress)
    by_depth: dict[int, dict[str, Timings]] = {}
    by_length: dict[int, dict[str, Timings]] = {}
    ours = [one for one in contenders if one.ours]
    if amount.curves and ours:
        rounds = max(3, amount.rounds // 2)
        for depth in (one for one in _DEPTHS if one <= amount.pairs):
            by_depth[depth] = interleaved(
                ours, work.head(depth), rounds, _renamed(progress, f"depth {depth}")
            )
        for tokens in _LENGTHS:
            even: Workload = maker.even(_LENGTH_PAIRS, tokens)
            by_length[tokens] = interleaved(ours, even, rounds, _renamed(progress, f"{tokens} tokens"))
    return Measured(model, work, contenders, timings, by_depth, by_length, _LENGTH_PAIRS, left_out, machine)


def fastest(contenders: Sequence[Contender], work: Workload, rounds: int = 2) -> Contender:
    """By a short trial."""
    timings = interleaved(contenders, work, rounds)
    return min(contenders, key=lambda one: min(timings[one.name].seconds))


def _renamed(progress: Progress, name: str) -> Progress:
    return lambda _, done, total: progress(name, done, total)
