"""Whether requests would be answered: the workers live, and each store says how it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from jrerank.fairness.caller import SIDECAR, context_for
from jrerank.telemetry import logger

_LOG = logger(__name__)
CHECK_TIMEOUT_S = 2.0
_KEPT_S = 1.0
Check = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class State:
    """How the parts are. Without its stores the sidecar still serves requests that bring their texts."""

    serves: bool
    stores: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """`ready`, `degraded` where a store is down, or `unavailable` where nothing could be scored."""
        if not self.serves:
            return "unavailable"
        return "ready" if all(state == "ok" for state in self.stores.values()) else "degraded"


class Readiness:
    """Asks at most once a second, however many ask us, so that a probe is no load on a store.

    `healthy` says whether the workers score; `clock` is in seconds.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        healthy: Callable[[], bool],
        *,
        timeout_s: float = CHECK_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checks = checks
        self._healthy = healthy
        self._timeout_s = timeout_s
        self._clock = clock
        self._running: asyncio.Task[None] | None = None
        self._stores: dict[str, str] = {}
        self._expires = -float("inf")

    async def state(self) -> State:
        """The state of now; that of the stores may be a second old."""
        if self._checks and self._clock() >= self._expires:
            # Shielded: a probe that hangs up must not end the check that the others wait for
            # In nobody's context: who asks first would else let the others wait for all that is asked in the same name
            self._running = self._running or asyncio.create_task(
                self._check_all(), context=context_for(SIDECAR)
            )
            await asyncio.shield(self._running)
        return State(self._healthy(), dict(self._stores))

    async def _check_all(self) -> None:
        try:
            states = await asyncio.gather(*(self._result(*named) for named in self._checks.items()))
            self._stores = dict(zip(self._checks, states, strict=True))
            self._expires = self._clock() + _KEPT_S
        finally:
            self._running = None

    async def _result(self, name: str, check: Check) -> str:
        try:
            async with asyncio.timeout(self._timeout_s):
                await check()
        except TimeoutError:
            return f"no answer within {self._timeout_s:g} s"
        except Exception as error:  # noqa: BLE001  whatever it is, the store is not ready
            _LOG.warning("store_not_ready", store=name, error=f"{type(error).__name__}: {error}")
            return "not reachable"  # no more than that: everybody may ask, and errors tell of hosts and users
        return "ok"
