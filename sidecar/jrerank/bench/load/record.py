"""What became of each request: latencies from the time it was due, outcomes, and how much of it was useful."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hdrh.histogram import HdrHistogram

_HIGHEST_US = 3_600_000_000
_DIGITS = 3

_SERVED, _UNSERVED = ("complete", "partial"), ("passthrough", "refused", "error")
OUTCOMES = (*_SERVED, *_UNSERVED)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended: one of `OUTCOMES`, and how many pairs were scored for it."""

    outcome: str
    pairs: int = 0
    detail: str = ""

    @property
    def served(self) -> bool:
        """Whether it was reranked, if only in part; there may have been no hit to rerank."""
        return self.outcome in _SERVED


def useful_for_s(timeout_ms: int) -> float:
    """How long an answer is of use. A partial answer leaves at its deadline; its way back is a tenth more, at least 100 ms."""
    return (timeout_ms + max(100.0, 0.1 * timeout_ms)) / 1000


def _histogram() -> Any:
    return HdrHistogram(1, _HIGHEST_US, _DIGITS)


@dataclass
class Record:
    """Of one run. A refusal's latency counts as an answer's does: somebody waited for it.

    `seconds` has the latencies in ms by the second in which the requests were due.
    """

    latencies: Any = field(default_factory=_histogram)
    by_caller: dict[int, Any] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    details: Counter[str] = field(default_factory=Counter)
    pairs_in_time: Counter[int] = field(default_factory=Counter)
    seconds: dict[int, array[float]] = field(default_factory=dict)
    late: int = 0
    worst_lag_s: float = 0.0

    def add(
        self, due_s: float, sent_s: float, done_s: float, answer: Answer, caller: int, deadline_s: float
    ) -> None:
        """Times are from the start of the run; what came after its deadline is of no use to anybody."""
        latency = max(1, round((done_s - due_s) * 1e6))
        self.latencies.record_value(min(latency, _HIGHEST_US))
        self.by_caller.setdefault(caller, _histogram()).record_value(min(latency, _HIGHEST_US))
        self.seconds.setdefault(int(due_s), array("f")).append(latency / 1000)
        self.outcomes[answer.outcome] += 1
        if answer.detail:
            self.details[answer.detail] += 1
        self.worst_lag_s = max(self.worst_lag_s, sent_s - due_s)
        if done_s - due_s > deadline_s:
            self.late += 1
        else:
            self.pairs_in_time[int(done_s)] += answer.pairs

    @property
    def count(self) -> int:
        """Of requests."""
        return self.outcomes.total()

    def percentile_ms(self, percent: float) -> float:
        """Of all latencies."""
        return float(self.latencies.get_value_at_percentile(percent)) / 1000

    @property
    def unserved(self) -> float:
        """The share of requests for which nothing was scored; all of it where none was sent, as nobody was served."""
        missed = sum(self.outcomes[name] for name in _UNSERVED)
        return missed / self.count if self.count else 1.0

    @property
    def max_ms(self) -> float:
        """The slowest."""
        return float(self.latencies.get_max_value()) / 1000

    def caller_percentile_ms(self, caller: int, percent: float) -> float:
        """Of one caller's latencies."""
        return float(self.by_caller[caller].get_value_at_percentile(percent)) / 1000


def unanswered(record: Record) -> str | None:
    """Why such a run measured nothing: every request was refused or failed. None if any was answered, or none was sent."""
    failed = record.outcomes["error"] + record.outcomes["refused"]
    if failed < record.count or not failed:
        return None
    details = record.details.most_common(1)
    most = f", most often with: {details[0][0]}" if details else ""
    return f"none of {failed} requests was answered{most}"
