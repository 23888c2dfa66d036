"""How a cluster's machines are shared out among the stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_TOKENIZERS_PER_GPU = 4
# Of a CPU, for all tokenizers together where CPUs score, and for the one who reads: what they take is little beside scoring
_TOKENIZERS_SHARE = 0.5
READER_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine of the cluster has for us."""

    cpus: int
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """How many actors there are of each kind, and what each reserves. `workers` are a scorer's threads, where CPUs score."""

    scorers: int
    scorer_cpus: float
    scorer_gpus: int
    workers: int
    tokenizers: int
    tokenizer_cpus: float


def layout(machines: Sequence[Machine]) -> Layout:
    """A scorer for each GPU, or for each machine where there is none; together they always fit, wherever Ray puts them."""
    gpus, cpus = sum(machine.gpus for machine in machines), sum(machine.cpus for machine in machines)
    if gpus:
        tokenizers = max(1, min(_TOKENIZERS_PER_GPU * gpus, cpus - gpus - 1))
        return Layout(gpus, 1 if cpus > 2 * gpus else 0.5, 1, 1, tokenizers, 1 if cpus > 2 * gpus else 0.1)
    with_cpus = [machine.cpus for machine in machines if machine.cpus]
    smallest = min(with_cpus, default=1)
    workers = max(1, smallest - 1)
    scorer_cpus = smallest - 1 if smallest > 1 else 1 - _TOKENIZERS_SHARE - READER_SHARE
    scorers = max(1, len(with_cpus))
    return Layout(scorers, scorer_cpus, 0, workers, scorers, round(_TOKENIZERS_SHARE / scorers, 3))
