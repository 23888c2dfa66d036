from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engines import GatedEngine
from jrerank.assembly import limits_of, running_service
from jrerank.cache import ScoreCache
from jrerank.domain import ServiceInfo
from jrerank.doors.pgwire.channel import Channel, WatchedReader
from jrerank.doors.service import Service
from jrerank.large_work import LargeWork
from jrerank.models.source import open_checkpoint
from jrerank.reranker import Reranker
from jrerank.scheduling.scheduler import Scheduler
from jrerank.scheduling.throughput import Throughput
from jrerank.telemetry import Metrics
from jrerank.tokenization.windows import Tokenization
from tiny import tiny_settings
from wire import Door, Wire, open_door


@pytest.fixture
async def service(tiny_folder: Path) -> AsyncIterator[Service]:
    async with running_service(tiny_settings(tiny_folder)) as running:
        yield running


@pytest.fixture
async def keyed_service(tiny_folder: Path) -> AsyncIterator[Service]:
    async with running_service(tiny_settings(tiny_folder, api_keys="first key,二つ目")) as running:
        yield running


@pytest.fixture
def engine() -> GatedEngine:
    return GatedEngine(fails_on=-1)


@pytest.fixture
async def gated_service(tiny_folder: Path, engine: GatedEngine) -> AsyncIterator[Service]:
    """A service whose requests take until `engine` lets them end."""
    settings = tiny_settings(tiny_folder)
    tokenization = Tokenization(open_checkpoint(settings.model), 512)
    cache, metrics, large = ScoreCache(0), Metrics(), LargeWork()
    scheduler = Scheduler(engine, tokenization, Throughput(1), metrics, 10**9, cache, large)
    reranker = Reranker(scheduler, {}, metrics, large)
    info = ServiceInfo("1", "tiny", "", "fp32", engine.name, 1, 512)
    scheduler.start()
    yield Service(reranker, limits_of(settings), info, metrics, 30_000, tokenization)
    engine.permit()
    await scheduler.close()


@pytest.fixture
async def door(service: Service) -> AsyncIterator[Door]:
    async with open_door(service) as door:
        yield door


@pytest.fixture
async def gated_door(gated_service: Service) -> AsyncIterator[Door]:
    async with open_door(gated_service) as door:
        yield door


class Pair:
    """A channel, and its client at the other end."""

    def __init__(self, channel: Channel, client: Wire) -> None:
        self.channel = channel
        self.client = client


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    near, far = socket.socketpair()
    loop, opened = asyncio.get_running_loop(), asyncio.Event()
    reader, channels = WatchedReader(), []

    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        channels.append(Channel(reader, writer))
        opened.set()

    await loop.connect_accepted_socket(lambda: asyncio.StreamReaderProtocol(reader, accept), near)
    await opened.wait()
    client = Wire(*await asyncio.open_connection(sock=far))
    yield Pair(channels[0], client)
    client.writer.close()
    if not channels[0]._writer.is_closing():
        await channels[0].close()
