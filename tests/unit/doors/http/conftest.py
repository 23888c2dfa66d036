from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from jrerank.assembly import running_service
from jrerank.doors.service import Service
from tiny import client_of, tiny_settings


@pytest.fixture
async def service(tiny_folder: Path) -> AsyncIterator[Service]:
    async with running_service(tiny_settings(tiny_folder)) as running:
        yield running


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as client:
        yield client
