"""What one connection may cost. The protocol is real, and so is the loop; the transport keeps what is written in memory."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from uvicorn.server import ServerState

from jrerank.doors.http import bounded_http1
from jrerank.doors.http.bounded_http1 import (
    ARRIVAL,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_WAITING_REQUESTS,
    BoundedHttp1Protocol,
)
from jrerank.doors.http.idle_connections import IdleConnections
from jrerank.doors.http.starting_turns import Call, StartingTurns
from jrerank.doors.http.unparsed import UnparsedBytes
from jrerank.doors.refusals import Refusals
from jrerank.fairness.caller import STRANGERS, context_for, current_caller
from jrerank.fairness.loop import FairEventLoop

GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


class MemoryTransport(asyncio.Transport):
    """Counts whether reading is paused, and keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_closed = self.is_paused = False
        self.unread_bytes = 0

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


def at_once(_seconds: float, call: Call) -> object:
    """Time is not waited for."""
    return asyncio.get_running_loop().call_soon(call)


class Server:
    """An application whose answers wait for `go`, and connections to it."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = asyncio.Event()
        self.state = ServerState()
        self.arrivals = list[float]()
        self.methods = list[str]()
        self.callers = list[str]()
        self._config = uvicorn.Config(self._answer, interface="asgi3", log_config=None)
        self._config.load()
        own = {
            "idle": IdleConnections(),
            "starting_turns": StartingTurns(at_once),
        }
        self._protocol = type("_Protocol", (BoundedHttp1Protocol,), own)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.asked += 1
        self.arrivals.append(scope[ARRIVAL])
        self.methods.append(scope["method"])
        self.callers.append(current_caller())
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    def connect(self) -> tuple[BoundedHttp1Protocol, MemoryTransport]:
        protocol: BoundedHttp1Protocol = self._protocol(self._config, self.state, {})
        transport = MemoryTransport()
        protocol.connection_made(transport)
        return protocol, transport


async def settled(server: Server) -> None:
    if server.state.tasks:
        await asyncio.wait(server.state.tasks)
    await asyncio.sleep(0)


async def parsed_in_turn() -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_request_is_answered_whole_or_byte_for_byte() -> None:
    server = Server()
    server.go.set()
    protocol, transport = server.connect()
    for piece in (GET, *(GET[place : place + 1] for place in range(len(GET)))):
        protocol.data_received(piece)
        await settled(server)
    assert transport.written.count(b"200 OK") == 2


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (MAX_HEADERS + 1) + b"\r\n",
        b"GET / HTTP/1.1\r\nX-A: " + b"a" * (MAX_HEAD_BYTES + 4096),
        b"GET /" + b"a" * (MAX_HEAD_BYTES + 4096),
    ],
    ids=["many headers", "a header without an end", "a path without an end"],
)
async def test_a_head_beyond_the_bounds_is_refused_before_anybody_is_asked(head: bytes) -> None:
    server = Server()
    protocol, transport = server.connect()
    protocol.data_received(head)
    await parsed_in_turn()
    assert transport.written.startswith(b"HTTP/1.1 431 ")
    assert transport.is_closed
    assert server.asked == 0


async def test_a_head_within_the_bounds_is_none_of_their_business() -> None:
    server = Server()
    server.go.set()
    protocol, transport = server.connect()
    protocol.data_received(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * MAX_HEADERS + b"\r\n")
    await settled(server)
    assert b"200 OK" in transport.written


async def test_what_is_no_http_is_still_a_bad_request() -> None:
    protocol, transport = Server().connect()
    protocol.data_received(b"\x16\x03\x01 this is TLS\r\n\r\n")
    assert transport.written.startswith(b"HTTP/1.1 400 ")


async def test_of_many_requests_at_once_few_wait_and_the_rest_is_not_even_parsed() -> None:
    server = Server()
    protocol, transport = server.connect()
    protocol.data_received(GET * 5_000)
    assert transport.is_paused
    assert len(protocol.pipeline) <= MAX_WAITING_REQUESTS + bounded_http1._HEAD_SLICE_BYTES // len(GET)
    server.go.set()
    async with asyncio.timeout(20):
        while transport.written.count(b"200 OK") < 5_000:
            await settled(server)
    assert transport.written.count(b"200 OK") == 5_000


async def test_of_requests_on_hundreds_of_connections_few_are_worked_on_in_a_round() -> None:
    server = Server()
    for _ in range(300):
        protocol, _ = server.connect()
        protocol.data_received(GET)
    await asyncio.sleep(0)
    assert 0 < server.asked < 10
    server.go.set()
    async with asyncio.timeout(20):
        while server.asked < 300:
            await settled(server)


async def test_what_a_request_waits_for_its_turn_is_of_the_time_it_has() -> None:
    server = Server()
    server.go.set()
    sent = time.monotonic()
    for _ in range(300):
        protocol, _ = server.connect()
        protocol.data_received(GET)
    came = time.monotonic()
    while server.asked < 300:
        await settled(server)
    assert sent <= min(server.arrivals) <= max(server.arrivals) <= came


async def test_a_connection_that_its_client_has_reset_is_forgotten() -> None:
    """Not only when it would have been closed for silence: until then it would hold what was sent."""
    server = Server()
    server.go.set()
    protocol, transport = server.connect()
    protocol.data_received(GET)
    await settled(server)
    assert transport.written.endswith(b"ok")
    protocol.connection_lost(ConnectionResetError())
    is_forgotten = weakref.ref(protocol)
    del protocol, transport
    gc.collect()
    assert is_forgotten() is None


async def test_who_hangs_up_before_a_request_has_begun_is_not_worked_for() -> None:
    server = Server()
    for _ in range(100):
        protocol, transport = server.connect()
        protocol.data_received(GET)
    transport.abort()
    protocol.connection_lost(None)
    server.go.set()
    for _ in range(100):
        await asyncio.sleep(0)
    assert server.asked == 99


async def test_who_says_nothing_or_half_a_head_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http1, "HEAD_TIMEOUT_S", 0.05)
    server = Server()
    silent, half = server.connect(), server.connect()
    half[0].data_received(GET[:20])
    busy = server.connect()
    busy[0].data_received(GET)
    await asyncio.sleep(0.2)
    assert (silent[1].is_closed, half[1].is_closed, busy[1].is_closed) == (True, True, False)


LARGE_POST = b"POST / HTTP/1.1\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000


async def test_the_time_that_a_request_has_begins_when_it_comes_and_not_when_it_is_parsed() -> None:
    server = Server()
    server.go.set()
    protocol, _ = server.connect()
    asyncio.get_running_loop().call_soon(time.sleep, 0.1)
    protocol.data_received(LARGE_POST)
    came_at = time.monotonic()
    await asyncio.sleep(0.2)
    assert server.arrivals[0] <= came_at


async def test_but_not_while_an_answer_in_front_of_it_is_due() -> None:
    """That answer comes before its request's body does: what is read meanwhile is not parsed before it is out."""
    server = Server()
    protocol, _ = server.connect()
    protocol.data_received(LARGE_POST[:100])
    await parsed_in_turn()
    server.go.set()
    protocol.data_received(LARGE_POST[100:] + GET)
    time.sleep(0.02)  # noqa: ASYNC251  so much later the answer is out
    answered = time.monotonic()
    while server.asked < 2:
        await settled(server)
    assert server.methods == ["POST", "GET"]
    assert server.arrivals[-1] >= answered


async def test_who_has_sent_a_head_is_not_hung_up_on_because_others_are_parsed_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_http1, "HEAD_TIMEOUT_S", 0.05)
    server = Server()
    server.go.set()
    protocol, transport = server.connect()
    for _ in range(3):
        asyncio.get_running_loop().call_soon(time.sleep, 0.1)
    protocol.data_received(LARGE_POST)
    await asyncio.sleep(0.5)
    assert (b"200 OK" in transport.written, server.asked) == (True, 1)


async def test_nor_because_the_event_loop_was_too_late_to_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http1, "HEAD_TIMEOUT_S", 0.05)
    monkeypatch.setattr(bounded_http1, "_LATE_S", 0.1)
    server = Server()
    server.go.set()
    protocol, transport = server.connect()
    time.sleep(0.3)  # noqa: ASYNC251  which is what is meant
    await asyncio.sleep(0)
    assert not transport.is_closed
    protocol.data_received(GET)
    await settled(server)
    assert b"200 OK" in transport.written
    _, silent_transport = server.connect()
    await asyncio.sleep(0.2)
    assert silent_transport.is_closed


async def test_at_the_end_what_has_come_is_answered_before_its_connection_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server()
    server.go.set()
    monkeypatch.setattr(bounded_http1, "FIRST_REQUEST_S", 0.0)  # they are not new
    (waits, waiting), (reads, reading), (_, idle) = (server.connect() for _ in range(3))
    waits.data_received(LARGE_POST)  # and waits for its turn
    for protocol in (waits, reads, _):
        protocol.shutdown()
    reads.data_received(GET)  # which was on its way
    await asyncio.sleep(0.05)
    await settled(server)
    for transport in (waiting, reading, idle):
        assert transport.is_closed
    for transport in (waiting, reading):
        assert transport.written.count(b"200 OK") == 1
        assert b"connection: close" in transport.written.lower()
    assert not idle.written


async def test_at_the_end_who_has_just_connected_may_still_send_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_http1, "FIRST_REQUEST_S", 30.0)
    server = Server()
    server.go.set()
    (new, answered), (asked, kept) = server.connect(), server.connect()
    asked.data_received(GET)
    await settled(server)
    for protocol in (new, asked):
        protocol.shutdown()
    await asyncio.sleep(0.01)
    assert (answered.is_closed, kept.is_closed) == (False, True)
    new.data_received(GET)
    await settled(server)
    assert answered.written.count(b"200 OK") == 1
    assert answered.is_closed


async def test_at_the_end_who_has_connected_and_stays_silent_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_http1, "FIRST_REQUEST_S", 0.02)
    protocol, transport = Server().connect()
    protocol.data_received(b"GET /hea")
    protocol.shutdown()
    await asyncio.sleep(0.1)
    assert transport.is_closed


@pytest.mark.parametrize("is_answered", [False, True])
async def test_at_the_end_a_body_that_has_yet_to_be_parsed_keeps_no_connection_open(
    is_answered: bool,
) -> None:
    server = Server()
    protocol, transport = server.connect()
    protocol.data_received(LARGE_POST[:100])
    if is_answered:
        server.go.set()
        await settled(server)
    protocol.data_received(LARGE_POST[100:])
    protocol.shutdown()
    await asyncio.sleep(0.01)
    server.go.set()
    await settled(server)
    assert transport.is_closed
    assert transport.written.count(b"200 OK") == 1
    assert (b"connection: close" in transport.written.lower()) != is_answered


@pytest.mark.parametrize("before", [0, 1, 3])
async def test_at_the_end_each_of_several_requests_at_once_is_answered(before: int) -> None:
    server = Server()
    protocol, transport = server.connect()
    protocol.data_received(GET * before)
    protocol.shutdown()
    protocol.data_received(GET * (3 - before))
    await asyncio.sleep(0.01)
    server.go.set()
    async with asyncio.timeout(5):
        while not transport.is_closed:
            await settled(server)
    assert transport.written.count(b"200 OK") == 3
    assert transport.written.lower().count(b"connection: close") == 1


async def test_who_waits_for_an_answer_is_not_hung_up_on_for_what_comes_behind_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_http1, "HEAD_TIMEOUT_S", 0.05)
    server = Server()
    protocol, transport = server.connect()
    protocol.data_received(GET)
    protocol.data_received(b"\r\n")  # as some old clients end a request
    await asyncio.sleep(0.2)
    assert not transport.is_closed
    server.go.set()
    await settled(server)
    assert b"200 OK" in transport.written


async def test_a_body_that_goes_on_behind_its_answer_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http1, "HEAD_TIMEOUT_S", 0.05)
    server = Server()
    server.go.set()
    connections = [server.connect() for _ in range(2)]
    for protocol, _ in connections:
        protocol.data_received(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab")
    await settled(server)
    (slow, slow_transport), (quick, quick_transport) = connections
    slow.data_received(b"c")
    quick.data_received(b"cd" + GET)
    await asyncio.sleep(0.2)
    assert (slow_transport.is_closed, quick_transport.is_closed) == (True, False)
    assert quick_transport.written.count(b"200 OK") == 2


@pytest.mark.parametrize("endless", [b"0\r\nX-A: ", b"1;a="], ids=["a trailer", "a chunk's extension"])
async def test_what_frames_a_body_is_bounded_as_a_head_is(endless: bytes) -> None:
    server = Server()
    protocol, transport = server.connect()
    protocol.data_received(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n" + endless)
    protocol.data_received(b"a" * (MAX_HEAD_BYTES + 16 * 1024))
    await parsed_in_turn()
    assert transport.is_closed


async def test_a_large_body_in_small_chunks_is_read_whole() -> None:
    server = Server()
    server.go.set()
    protocol, transport = server.connect()
    protocol.data_received(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    protocol.data_received(b"1\r\na\r\n" * MAX_HEAD_BYTES + b"0\r\n\r\n" + GET)
    await settled(server)
    await settled(server)
    assert transport.written.count(b"200 OK") == 2


async def test_an_answer_that_nobody_reads_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http1, "WRITE_TIMEOUT_S", 0.05)
    server = Server()
    unread, read = server.connect(), server.connect()
    for protocol, _ in (unread, read):
        protocol.pause_writing()
    read[0].resume_writing()
    await asyncio.sleep(0.2)
    assert (unread[1].is_closed, read[1].is_closed) == (True, False)


@pytest.fixture
def two_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there may be."""
    monkeypatch.setattr(BoundedHttp1Protocol, "max_connections", 2)
    monkeypatch.setattr(BoundedHttp1Protocol, "refusals", Refusals())


@pytest.mark.usefixtures("two_connections")
async def test_beyond_the_bound_who_has_gone_longest_without_a_request_makes_room() -> None:
    """Connections that say nothing keep nobody out."""
    server = Server()
    with capture_logs() as logs:
        connections = [server.connect()[1] for _ in range(20)]
    assert [transport.is_closed for transport in connections] == [True] * 18 + [False] * 2
    assert [line["count"] for line in logs if line["event"] == "connection_displaced"] == [1], (
        "one line a second"
    )


@pytest.mark.usefixtures("two_connections")
async def test_beyond_the_bound_who_has_a_request_stays_until_it_is_answered() -> None:
    server = Server()
    (first, first_transport), (second, second_transport) = server.connect(), server.connect()
    for protocol in (first, second):
        protocol.data_received(GET)
    await asyncio.sleep(0)
    with capture_logs() as logs:
        refused, refused_transport = server.connect()
    refused.connection_lost(None)
    assert refused_transport.is_closed
    assert [line["event"] for line in logs] == ["connection_refused"]
    server.go.set()
    await settled(server)
    second.data_received(GET)  # which leaves the first one without a request
    assert not server.connect()[1].is_closed
    assert (first_transport.is_closed, second_transport.is_closed) == (True, False)


@pytest.mark.usefixtures("two_connections")
async def test_who_has_yet_to_read_an_answer_does_not_make_room() -> None:
    server = Server()
    (_, reading), (_, silent) = server.connect(), server.connect()
    reading.unread_bytes = 1
    assert not server.connect()[1].is_closed
    assert (reading.is_closed, silent.is_closed) == (False, True)


@pytest.mark.usefixtures("two_connections")
async def test_who_has_gone_leaves_room() -> None:
    server = Server()
    connections = [server.connect() for _ in range(2)]
    connections[0][0].connection_lost(None)
    server.connect()
    assert not connections[1][1].is_closed


def test_who_asks_little_is_not_kept_waiting_by_a_thousand_bodies_that_come_at_once() -> None:
    async def methods() -> list[str]:
        server = Server()
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n"
        for protocol, _ in [server.connect() for _ in range(50)]:
            protocol.data_received(head + b"a" * 20_000)
        little, _ = server.connect()
        little.owner.know("who has shown a key")
        context = context_for("who has shown a key")
        asyncio.get_running_loop().call_soon(little.data_received, GET, context=context)
        server.go.set()
        await asyncio.sleep(0.2)
        await settled(server)
        return server.methods

    with asyncio.Runner(loop_factory=FairEventLoop) as runner:
        assert runner.run(methods()).index("GET") < 10


async def test_what_comes_on_a_connection_is_for_its_owner_from_the_first_step_on() -> None:
    server = Server()
    server.go.set()
    protocol, _ = server.connect()
    post = b"POST /v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    protocol.data_received(post)
    await settled(server)
    protocol.owner.know("who has shown a key")  # as a route does
    for _ in range(2):
        protocol.data_received(post)
        await settled(server)
    assert server.callers == [STRANGERS, "who has shown a key", "who has shown a key"]


async def test_probes_are_kept_apart_from_those_who_have_shown_nothing() -> None:
    server = Server()
    server.go.set()
    protocol, _ = server.connect()
    for _ in range(2):
        protocol.data_received(GET)
        await settled(server)
    protocol.data_received(b"POST /v1/rerank HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    await settled(server)
    assert server.callers == [f"{STRANGERS} /health"] * 2 + [STRANGERS]


async def test_nothing_of_a_connection_waits_for_the_garbage_collector() -> None:
    """It hardly ever looks at what has lived for a second, so that thousands of connections would stay."""
    server = Server()
    server.go.set()
    protocol, transport = server.connect()
    protocol.data_received(GET)
    await settled(server)
    gc.collect()
    gc.disable()
    try:
        protocol.connection_lost(None)
        is_forgotten = weakref.ref(protocol)
        del protocol, transport
        await asyncio.sleep(0)
        assert is_forgotten() is None
    finally:
        gc.enable()


async def test_who_waits_for_a_body_lets_no_more_of_it_in_than_may_wait_for_its_turn() -> None:
    server = Server()
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    protocol, transport = server.connect()
    protocol.data_received(head + b"a")
    await protocol.cycle.receive()
    waiting = asyncio.ensure_future(protocol.cycle.receive())
    await asyncio.sleep(0)
    protocol.data_received(b"a" * 64_000)
    assert not transport.is_paused
    protocol.data_received(b"a" * 64_000)
    assert transport.is_paused
    assert len((await waiting)["body"]) == 128_000


async def test_where_much_waits_to_be_parsed_little_is_read_and_what_is_left_waits_in_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unparsed = UnparsedBytes(max_bytes=50_000)
    monkeypatch.setattr(BoundedHttp1Protocol, "unparsed_bytes", unparsed)
    server = Server()
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n"
    connections = [server.connect() for _ in range(3)]
    for protocol, _ in connections:
        _read(protocol, head + b"a" * 20_000)
    assert [transport.is_paused for _, transport in connections] == [False, False, True]
    late = server.connect()
    assert _read(late[0], head + b"a" * 20_000) < 5_000
    server.go.set()
    await settled(server)
    assert (unparsed.count, len(late[0].get_buffer(-1))) == (0, 64 * 1024)


async def test_what_nobody_waits_for_any_more_is_not_parsed_and_counts_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unparsed = UnparsedBytes()
    monkeypatch.setattr(BoundedHttp1Protocol, "unparsed_bytes", unparsed)
    server = Server()
    protocol, _ = server.connect()
    protocol.data_received(LARGE_POST)
    assert unparsed.count == len(LARGE_POST)
    protocol.connection_lost(None)
    assert unparsed.count == 0
    await settled(server)
    assert server.asked == 0


async def test_who_has_hung_up_while_a_body_waited_for_its_turn_is_not_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_http1, "has_hung_up", lambda transport: True)
    monkeypatch.setattr(BoundedHttp1Protocol, "unparsed_bytes", UnparsedBytes())
    server = Server()
    protocol, transport = server.connect()
    protocol.data_received(LARGE_POST)
    await parsed_in_turn()
    assert (transport.is_closed, server.asked, protocol.unparsed_bytes.count) == (True, 0, 0)


def _read(protocol: BoundedHttp1Protocol, data: bytes) -> int:
    """As the event loop reads."""
    buffer = protocol.get_buffer(-1)
    size = min(len(buffer), len(data))
    buffer[:size] = data[:size]
    protocol.buffer_updated(size)
    return size
