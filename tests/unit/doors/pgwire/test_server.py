"""The door as a whole: several clients, bad ones among them, and the end."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import struct
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certificates import Certificate, make_certificate
from engines import GatedEngine
from jrerank.doors.pgwire import server as module
from jrerank.doors.pgwire.server import tls_context
from jrerank.doors.service import Service
from jrerank.errors import ConfigurationError
from jrerank.fairness.caller import Owner
from wire import Door, LoginRefused, Reply, fields, kinds, open_door, packet, query, sqlstate, startup, value

REQUEST = json.dumps(
    {"query": "富士山", "hits": [{"id": "a", "text": "空"}, {"id": "b", "text": "富士山の高さ"}]}
)


ASK_FOR_TLS = packet(b"", struct.pack("!i", 80877103))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    if shutil.which("openssl") is None and os.environ.get("CI") != "true":
        pytest.skip("openssl isn't installed: run tests/install-system-packages as root")
    return make_certificate(tmp_path_factory.mktemp("tls"))


def messages_in(stream: bytes) -> list[Reply]:
    replies = []
    while stream:
        length = int.from_bytes(stream[1:5], "big")
        replies.append((stream[:1], stream[5 : 1 + length]))
        stream = stream[1 + length :]
    return replies


async def tasks_left(door: Door, expected: int = 0) -> int:
    """How many connections there are, once those that have ended are gone."""
    for _ in range(500):
        if len(door.server._tasks) <= expected:
            break
        await asyncio.sleep(0.01)
    return len(door.server._tasks)


async def test_where_few_files_may_be_open_few_connections_are_accepted_at_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "most_open_files", lambda: 32)
    async with open_door(service) as door:
        server = door.server._server
        assert server is not None
        assert server._backlog == 4  # type: ignore[attr-defined]  # asyncio accepts as many in one round


async def test_many_clients_are_answered_at_once(door: Door) -> None:
    async def ask() -> str:
        async with door.logged_in() as wire:
            return str(json.loads(value(await wire.ask(REQUEST)))["outcome"])

    assert await asyncio.gather(*(ask() for _ in range(50))) == ["complete"] * 50
    assert await tasks_left(door) == 0


async def test_idle_clients_do_not_keep_others_waiting(service: Service) -> None:
    async with open_door(service, max_connections=1000) as door, AsyncExitStack() as idle:
        for _ in range(300):
            await idle.enter_async_context(door.logged_in())
        async with door.logged_in() as wire:
            assert kinds(await wire.ask(REQUEST)) == "TDCZ"


async def test_it_is_counted_who_is_there(door: Door, service: Service) -> None:
    async with door.logged_in(), door.logged_in(), door.connected():
        assert "jrerank_pgwire_connections 2.0" in service.metrics.exposition().decode()
    assert await tasks_left(door) == 0
    assert "jrerank_pgwire_connections 0.0" in service.metrics.exposition().decode()


async def test_every_key_opens_it_and_nothing_else_does(keyed_service: Service) -> None:
    async with open_door(keyed_service) as door:
        for key in ("first key", "二つ目"):
            async with door.logged_in(key) as wire:
                assert kinds(await wire.ask(REQUEST)) == "TDCZ"
        async with door.connected() as wire:
            with pytest.raises(LoginRefused, match="28P01"):
                await wire.log_in("third")
        async with door.connected() as wire:
            await wire.send(startup(user="me") + query(REQUEST))
            assert sqlstate(messages_in(await wire.rest())[1:]) == "08P01"
    metrics = keyed_service.metrics.exposition().decode()
    assert 'refusals_total{door="pgwire",kind="not_authorized"} 1.0' in metrics


async def cancel(door: Door, process_id: int, secret: bytes) -> None:
    async with door.connected() as wire:
        await wire.send(packet(b"", struct.pack("!ii", 80877102, process_id) + secret))
        assert await wire.rest() == b""


async def test_a_cancel_request_stops_the_query_of_the_connection_that_it_names(
    gated_door: Door, engine: GatedEngine
) -> None:
    async with gated_door.logged_in() as wire, gated_door.logged_in() as other:
        await wire.send(query(REQUEST))
        await asyncio.to_thread(engine.started.acquire)
        await cancel(gated_door, wire.process_id, b"none")
        await cancel(gated_door, wire.process_id + 1, wire.secret)
        await cancel(gated_door, other.process_id, other.secret)
        await cancel(gated_door, wire.process_id, wire.secret)
        assert sqlstate(await wire.until(b"Z")) == "57014"
        assert kinds(await other.ask("SELECT 1")) == "TDCZ"


async def test_beyond_the_limit_a_client_is_told_so_but_may_cancel(
    gated_service: Service, engine: GatedEngine
) -> None:
    async with open_door(gated_service, max_connections=1) as door, door.logged_in() as wire:
        async with door.connected() as second:
            await second.send(startup(user="me"))
            error = fields(messages_in(await second.rest())[-1][1])
            assert (error["S"], error["C"]) == ("FATAL", "53300")
        await wire.send(query(REQUEST))
        await asyncio.to_thread(engine.started.acquire)
        await cancel(door, wire.process_id, wire.secret)
        assert sqlstate(await wire.until(b"Z")) == "57014"


async def test_who_leaves_makes_room(service: Service) -> None:
    async with open_door(service, max_connections=1) as door:
        for _ in range(5):
            async with door.logged_in() as wire:
                assert kinds(await wire.ask("SELECT 1")) == "TDCZ"
            assert await tasks_left(door) == 0


async def test_silent_connections_shut_nobody_out(service: Service) -> None:
    async with open_door(service, max_connections=10) as door, AsyncExitStack() as silent:
        opened = [await silent.enter_async_context(door.connected()) for _ in range(40)]
        async with door.logged_in() as wire:
            assert kinds(await wire.ask(REQUEST)) == "TDCZ"
            ended = [sqlstate(messages_in(await one.rest())) for one in opened[:30]]
            assert ended == ["53300"] * 30, "the oldest have made room"
            assert not opened[-1].reader.at_eof()
        assert await tasks_left(door, 10) == 10


async def test_as_many_as_may_connect_can_do_so_at_once(keyed_service: Service) -> None:
    async def ask() -> str:
        async with door.logged_in("first key") as wire:
            everybody_in.release()
            await held.wait()
            return kinds(await wire.ask("SELECT 1"))

    held, everybody_in = asyncio.Event(), asyncio.Semaphore(0)
    async with open_door(keyed_service, max_connections=300) as door, asyncio.TaskGroup() as clients:
        tasks = [clients.create_task(ask()) for _ in range(300)]
        for _ in tasks:
            await everybody_in.acquire()
        held.set()
    assert [task.result() for task in tasks] == ["TDCZ"] * 300


async def test_a_client_that_breaks_off_frees_the_queue(gated_door: Door, engine: GatedEngine) -> None:
    async with gated_door.logged_in() as wire:
        await wire.send(query(REQUEST) + query(REQUEST))
        await asyncio.to_thread(engine.started.acquire)
        wire.writer.transport.abort()
        assert await tasks_left(gated_door) == 0


async def test_so_does_one_that_says_goodbye_meanwhile(gated_door: Door, engine: GatedEngine) -> None:
    async with gated_door.logged_in() as wire:
        await wire.send(query(REQUEST) + packet(b"X"))
        await asyncio.to_thread(engine.started.acquire)
        wire.writer.close()
        assert await tasks_left(gated_door) == 0


async def test_at_the_end_what_was_asked_is_answered_and_everybody_is_told(
    gated_door: Door, engine: GatedEngine
) -> None:
    async with gated_door.logged_in() as busy, gated_door.logged_in() as idle, gated_door.connected() as new:
        await busy.send(query(REQUEST))
        await asyncio.to_thread(engine.started.acquire)
        closing = asyncio.ensure_future(gated_door.server.close(drain_s=30.0))
        for one in (idle, new):
            assert sqlstate(messages_in(await one.rest())) == "57P01"
        assert not closing.done()
        engine.permit(100)
        assert kinds(messages_in(await busy.rest())) == "TDCZE"
        await closing
        with pytest.raises(OSError, match=r"refused|Connect"):
            async with gated_door.connected():
                pass


async def test_so_is_what_is_asked_while_the_end_waits_for_those_who_have_just_come(
    gated_door: Door, engine: GatedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gated_door.logged_in() as wire:
        has_begun = asyncio.Event()

        async def others_are_let_in(_: str) -> None:
            await wire.send(query(REQUEST))
            await asyncio.to_thread(engine.started.acquire)
            has_begun.set()

        monkeypatch.setattr(module, "turn_of", others_are_let_in)
        closing = asyncio.ensure_future(gated_door.server.close(drain_s=30.0))
        await has_begun.wait()
        await asyncio.sleep(0.01)
        engine.permit(100)
        assert kinds(messages_in(await wire.rest())) == "TDCZE"
        await closing


async def test_what_takes_too_long_is_not_waited_for(gated_door: Door, engine: GatedEngine) -> None:
    async with gated_door.logged_in() as wire:
        await wire.send(query(REQUEST))
        await asyncio.to_thread(engine.started.acquire)
        await gated_door.server.close(drain_s=0.05)
        assert sqlstate(messages_in(await wire.rest())) == "57P01"


async def test_a_door_that_was_never_opened_can_be_closed(service: Service) -> None:
    await module.PgWireServer(service, None, 1).close(drain_s=1.0)


def owners_in(door: Door) -> list[Owner]:
    """Of the one connection that there is: those of what speaks TLS, and of what reads its clear text."""
    ((conversation, _),) = door.server._conversations.values()
    channel = conversation._channel
    transports = channel._socket_transport, channel._writer.transport
    return [transport.get_protocol().owner for transport in transports]  # type: ignore[attr-defined]


async def test_tls_for_those_who_ask(service: Service, certificate: Certificate) -> None:
    trusting = ssl.create_default_context(cafile=certificate.certificate)
    async with open_door(service, tls_context(certificate.certificate, certificate.key)) as door:
        async with door.connected() as wire:
            await wire.send(ASK_FOR_TLS)
            assert await wire.reader.readexactly(1) == b"S"
            await wire.writer.start_tls(trusting, server_hostname="localhost")
            await wire.log_in()
            assert kinds(await wire.ask(REQUEST)) == "TDCZ"
            assert owners_in(door) == [Owner("127.0.0.1", is_known=True)] * 2
        async with door.logged_in() as wire:
            assert kinds(await wire.ask(REQUEST)) == "TDCZ"
        assert await tasks_left(door) == 0


async def test_what_is_said_before_the_handshake_does_not_count(
    service: Service, certificate: Certificate
) -> None:
    async with open_door(service, tls_context(certificate.certificate, certificate.key)) as door:
        async with door.connected() as wire:
            await wire.send(ASK_FOR_TLS + startup(user="eve") + query(REQUEST))
            assert sqlstate(messages_in(await wire.rest())) == "08P01"
        async with door.connected() as wire:
            await wire.send(ASK_FOR_TLS)
            assert await wire.reader.readexactly(1) == b"S"
            await wire.send(b"this is no handshake")
            await wire.rest()
        assert await tasks_left(door) == 0


def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path, certificate: Certificate) -> None:
    (tmp_path / "garbage").write_text("no PEM")
    locked = make_certificate(tmp_path, "locked", passphrase="sesame")
    for certificate_file, key_file in (
        (tmp_path / "missing", certificate.key),
        (tmp_path / "garbage", certificate.key),
        (certificate.certificate, tmp_path),
        (certificate.certificate, locked.key),
        (locked.certificate, locked.key),
    ):
        with pytest.raises(ConfigurationError, match="JRERANK_PGWIRE_TLS_CERT_FILE"):
            tls_context(certificate_file, key_file)


KINDS = st.sampled_from(list(b"QPBDECSHFXpdc\0z")).map(lambda kind: kind.to_bytes())
TEXTS = st.sampled_from([REQUEST, "+{", "SELECT 1", "BEGIN", "{}", "$1", ""]).map(
    lambda text: text.encode() + b"\0"
)
BODIES = st.binary(max_size=60) | TEXTS | st.tuples(TEXTS, TEXTS, st.binary(max_size=8)).map(b"".join)
PACKETS = st.builds(packet, KINDS, BODIES)
BYTES = st.binary(max_size=60) | PACKETS | st.builds(lambda one, cut: one[:cut], PACKETS, st.integers(0, 8))


@pytest.mark.parametrize("stage", ["connected", "logged_in"])
@given(st.lists(BYTES, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
async def test_no_bytes_at_any_stage_bring_it_down_or_leave_anything_behind(
    door: Door, stage: str, said: list[bytes]
) -> None:
    async with getattr(door, stage)() as wire:
        wire.writer.writelines(said)
        wire.writer.write_eof()
        await wire.rest()
    assert await tasks_left(door) == 0
    async with door.logged_in() as wire:
        assert kinds(await wire.ask("SELECT 1")) == "TDCZ"
    assert await tasks_left(door) == 0
