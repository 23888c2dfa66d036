"""What the sidecar's process binds, before there is a process. How it starts and ends is in the integration tests."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from jrerank import server
from jrerank.assembly import running_service
from jrerank.doors.http.app import make_app
from jrerank.doors.pgwire.server import PgWireServer
from jrerank.errors import ConfigurationError
from jrerank.server import _most_connections, _Server, serve
from tiny import tiny_settings


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    handlers = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    yield
    for one, handler in handlers.items():
        signal.signal(one, handler)


def test_a_taken_port_is_told_before_the_model_is_loaded(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = tiny_settings(tmp_path, port=taken.getsockname()[1], model="random:xsmall-v2")
        with pytest.raises(ConfigurationError, match="choose another --port"):
            serve(settings)
    assert not (tmp_path / "cache").exists()


def test_beyond_loopback_there_must_be_a_key(tiny_folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="JRERANK_API_KEYS"):
        serve(tiny_settings(tiny_folder, host="0.0.0.0", port=0))


@pytest.mark.parametrize(
    ("open_files", "http", "both"),
    [(2**31, 10_000, (10_000, 5_000)), (1_024, 768, (495, 247)), (256, 128, (82, 41))],
    ids=["plenty", "Linux", "macOS"],
)
def test_connections_leave_files_for_the_rest_but_some_are_always_taken(
    open_files: int, http: int, both: tuple[int, int], tiny_folder: Path
) -> None:
    assert _most_connections(tiny_settings(tiny_folder), open_files)[0] == http
    assert _most_connections(tiny_settings(tiny_folder, pgwire_port=0), open_files) == both


async def test_strangers_without_end_do_not_keep_the_drain_from_beginning(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def without_end(_: str) -> None:
        await asyncio.Event().wait()

    async with running_service(tiny_settings(tiny_folder)) as service:
        config = uvicorn.Config(make_app(service), timeout_graceful_shutdown=1, log_config=None)
        one = _Server(config, service, PgWireServer(service, None, 1))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = asyncio.ensure_future(one.serve(sockets=[listener]))
            while not one.started:  # noqa: ASYNC110  uvicorn has no event for it
                await asyncio.sleep(0.01)
            monkeypatch.setattr(server, "turn_of", without_end)
            one.should_exit = True
            async with asyncio.timeout(20):
                await serving
