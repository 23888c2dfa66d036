"""A sidecar in this process, over a model that is built in milliseconds: for tests of what stands on a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from builders import tiny_config, write_checkpoint
from jrerank.assembly import running_service
from jrerank.doors.http.app import make_app
from jrerank.doors.service import Service
from jrerank.settings import Settings


def tiny_settings(folder: Path, **changes: object) -> Settings:
    """The tiny model of `folder`, which is written there at the first call, as is its graph."""
    model = folder / "model"
    if not model.exists():
        write_checkpoint(model, tiny_config())
    defaults = {"model": str(model), "cache_dir": folder / "cache", "precision": "fp32", "workers": 1}
    return Settings.load(**(defaults | changes))


def second_tiny_model(folder: Path) -> dict[str, object]:
    """Settings for another tiny model that reads what the first one has put first."""
    model = folder / "second"
    if not model.exists():
        write_checkpoint(model, tiny_config(num_hidden_layers=3))
    return {"second_model": str(model), "second_depth": 3}


@asynccontextmanager
async def tiny_http(folder: Path, **changes: object) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the HTTP app over such a service, without a socket."""
    async with running_service(tiny_settings(folder, **changes)) as service, client_of(service) as client:
        yield client


@asynccontextmanager
async def client_of(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the HTTP app over `service`."""
    transport = httpx.ASGITransport(make_app(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
