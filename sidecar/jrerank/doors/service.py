"""What stands behind every door, and what every door notes of a request."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from jrerank.domain import Ranking, ServiceInfo
from jrerank.doors.bodies import OpenBodies
from jrerank.doors.intake import Intake, Limits
from jrerank.doors.readiness import Check, Readiness
from jrerank.doors.refusals import Refusals
from jrerank.doors.turns import Turns
from jrerank.large_work import LargeWork
from jrerank.reranker import Reranker
from jrerank.stores.search import SearchEngine
from jrerank.telemetry import Metrics, logger
from jrerank.tokenization.windows import Tokenization

_LOG = logger(__name__)


async def _nothing() -> None:
    """Where nothing is remembered."""


@dataclass(frozen=True, slots=True)
class Service:
    """The parts behind the doors.

    `tokenization` is what the scheduler reads passages with, for who can have their ids ready before.
    `checks` say whether the stores answer, each by its name, and `healthy` whether the workers score; `queued_s` is how many
    seconds of work are open; `searches` are the engines that callers may search; pages of `cors_origins` may read answers in a
    browser; `cut_off` lets open requests go with what has been scored of them; `compact` lets what is remembered lie close
    together, so that memory around it can be given back; `bodies` counts for all doors, `turns` are those of requests at the
    event loop, and `large` is where large ones are worked on.
    """

    reranker: Reranker
    limits: Limits
    info: ServiceInfo
    metrics: Metrics
    timeout_ms: float
    tokenization: Tokenization
    keys: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    healthy: Callable[[], bool] = lambda: True
    queued_s: Callable[[], float] = lambda: 0.0
    searches: Mapping[str, SearchEngine] = field(default_factory=dict)
    cut_off: Callable[[], None] = lambda: None
    compact: Callable[[], Awaitable[None]] = _nothing
    intake: Intake = field(init=False)
    bodies: OpenBodies = field(init=False)
    readiness: Readiness = field(init=False)
    refusals: Refusals = field(default_factory=Refusals, init=False)
    turns: Turns = field(default_factory=Turns, init=False)
    large: LargeWork = field(default_factory=LargeWork, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "intake", Intake(self.limits, self.timeout_ms))
        object.__setattr__(self, "bodies", OpenBodies(self.limits.open_body_bytes))
        object.__setattr__(self, "readiness", Readiness(self.checks, self.healthy))

    def note(self, door: str, documents: int, ranking: Ranking, arrival: float) -> None:
        """Count and log what became of a request of so many documents that came in at `arrival` (on `time.monotonic()`'s clock)."""
        took_s = time.monotonic() - arrival
        self.metrics.requests.labels(door, ranking.outcome.value).inc()
        self.metrics.request_seconds.labels(door).observe(took_s)
        self.metrics.documents.observe(documents)
        _LOG.info(
            "reranked",
            door=door,
            documents=documents,
            outcome=ranking.outcome.value,
            reason=ranking.reason,
            tokens=ranking.tokens,
            took_ms=round(took_s * 1000, 1),
        )
