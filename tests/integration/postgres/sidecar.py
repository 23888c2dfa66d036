"""The sidecar that the databases ask."""

from __future__ import annotations

from dataclasses import dataclass

from sidecars import RunningSidecar

API_KEY = "key-that-nobody-may-read"


@dataclass(frozen=True)
class KeyedSidecar:
    """A sidecar with both doors, which wants `API_KEY`."""

    running: RunningSidecar
    pgwire_port: int
