"""How much a connection may cost before anybody has shown a key: heads, waiting requests, silence, answers that nobody reads."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from jrerank.doors.http.http1 import Http1Protocol
from jrerank.doors.http.idle_connections import IdleConnections
from jrerank.doors.http.starting_turns import StartingTurns, claimed_caller, line_of_strangers
from jrerank.doors.http.unparsed import UnparsedBytes, has_hung_up
from jrerank.doors.http.whole_answers import WholeAnswers
from jrerank.doors.refusals import Refusals
from jrerank.fairness.caller import Owner, context_for
from jrerank.fairness.loop import comes_in
from jrerank.telemetry import logger

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

_LOG = logger(__name__)
MAX_HEADERS = 100
MAX_HEAD_BYTES = 64 * 1024
# Requests of one connection that wait for the answer to another one; beyond it nothing more is read
MAX_WAITING_REQUESTS = 4
# How long a head may take, from the connection or its first byte on, and how long a client may leave an answer unread
HEAD_TIMEOUT_S = 10.0
WRITE_TIMEOUT_S = 30.0
# Who has connected so short a time before the end may still be sending a first request
FIRST_REQUEST_S = 1.0
# An event loop that is so late has had no time to read what has come
_LATE_S = 1.0
# What is parsed at once: in a head little, since a few bytes make a request there
_HEAD_SLICE_BYTES, _BODY_SLICE_BYTES = 2 * 1024, 16 * 1024
# What is parsed without waiting for a turn, and how much of a connection may wait for one before nothing more is read from it
_SMALL_BYTES, _WAITING_BYTES = 8 * 1024, 96 * 1024
_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s"
)


# Where a request's scope has the function that says whether its client has gone
IS_CLOSED = "jrerank.is_closed"
# Where it has whose its connection is
OWNER = "jrerank.owner"
# Where it has the time from which its deadline counts, on the clock of `time.monotonic()`
ARRIVAL = "jrerank.arrival"


class HeadTooLarge(httptools.HttpParserError):
    """A head has too many headers, or too many bytes."""


class BoundedHttp1Protocol(Http1Protocol, asyncio.BufferedProtocol):
    """Uvicorn's protocol leaves all of this without a bound; each is what nginx and others bound by default."""

    max_connections = 10_000
    idle = IdleConnections()
    starting_turns = StartingTurns()
    refusals = Refusals()
    unparsed_bytes = UnparsedBytes()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.owner = Owner()
        self._head_is_open = True
        self._head_bytes = 0
        self._unparsed = b""
        self._waits_for_turn = False
        self._is_last = False
        self._began = self.loop.time()
        self._came_at = 0.0
        self._is_pipelined = False
        self._last_cycle: RequestResponseCycle | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection. Where there are too many another one makes room; where all others have requests, it goes itself."""
        super().connection_made(transport)
        self.idle.add(self)
        if len(self.connections) > self.max_connections:
            self._make_room()
        if not transport.is_closing():
            self._expect_head()

    def _make_room(self) -> None:
        closed = self.idle.longest(self)
        self.idle.discard(closed)
        closed.transport.abort()
        if (count := self.refusals.due("overloaded")) is not None:
            event = "connection_refused" if closed is self else "connection_displaced"
            _LOG.warning(event, connections=self.max_connections, count=count)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers, and what nobody waits for any more."""
        self.idle.discard(self)
        self._cancel_head_timer()
        self._unset_keepalive_if_required()  # uvicorn lets it hold a connection that its client has reset, and its last request
        self._forget_unparsed()
        self.resume_writing()
        super().connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the event loop puts what it reads."""
        return self.unparsed_bytes.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Something has been read."""
        self.data_received(self.unparsed_bytes.read(nbytes))

    def data_received(self, data: bytes) -> None:
        """Parse slice by slice, as long as not too many requests wait. Much of a body waits for its turn."""
        if not self._unparsed:
            self._came_at = time.monotonic()
        self._unparsed += data
        self.unparsed_bytes.add(len(data))
        if len(self._unparsed) <= _SMALL_BYTES:
            self._parse()
            return
        if len(self._unparsed) > _WAITING_BYTES or self.unparsed_bytes.are_many:
            self.flow.pause_reading()  # each time: whoever waits for the body resumes it meanwhile
        if not self._waits_for_turn:
            self._waits_for_turn = True
            self.loop.call_soon(self._take_turn)

    @comes_in
    def _take_turn(self) -> None:
        self._waits_for_turn = False
        if has_hung_up(self.transport):
            self._forget_unparsed()
            self.transport.abort()
            return
        self.flow.resume_reading()
        self._parse()

    def _forget_unparsed(self) -> None:
        self.unparsed_bytes.add(-len(self._unparsed))
        self._unparsed = b""

    def _parse(self) -> None:
        while self._unparsed and not self.transport.is_closing():
            if len(self.pipeline) >= MAX_WAITING_REQUESTS:
                self.flow.pause_reading()
                return
            size = _HEAD_SLICE_BYTES if self._head_is_open else _BODY_SLICE_BYTES
            part, self._unparsed = self._unparsed[:size], self._unparsed[size:]
            self.unparsed_bytes.add(-len(part))
            self._head_bytes += len(part)
            if self._head_is_open and self._head_timer is None:
                self._expect_head()
            super().data_received(part)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self._refuse_head()
        if self._is_last:
            self._close_if_idle()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count it.

        Raises:
            HeadTooLarge: it is one too many.
        """
        if len(self.headers) >= MAX_HEADERS:
            raise HeadTooLarge(f"more than {MAX_HEADERS} headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there in time."""
        self._head_is_open, self._head_bytes = False, 0
        self._cancel_head_timer()
        self.idle.discard(self)
        super().on_headers_complete()
        if self.parser.should_upgrade():  # the same head comes once more, without the offer
            return
        self.cycle.transport = cast("asyncio.Transport", WholeAnswers(self.transport))
        if self._is_last:
            self._close_behind_the_last()
        scope = cast("dict[str, Any]", self.scope)
        scope[IS_CLOSED], scope[OWNER] = self.transport.is_closing, self.owner

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        scope = cast("dict[str, Any]", cycle.scope)
        # What it waits to be parsed, and then for its turn, is of the time it has
        scope[ARRIVAL] = time.monotonic() if self._is_pipelined else self._came_at
        address = self.client[0] if self.client else ""
        caller = claimed_caller(scope["path"], address, scope["headers"])
        if not self.owner.is_known:
            self.owner.caller = line_of_strangers(scope["path"])
        join = self.starting_turns.join_pipelined if self._is_pipelined else self.starting_turns.join
        join(partial(self._start, cycle, app), caller)

    def _start(self, cycle: RequestResponseCycle, app: ASGI3Application) -> bool:
        """Whether there is still somebody to start it for."""
        if self.transport.is_closing():
            return False
        # As uvicorn does, but for the context: it says whose request this is from the first step on
        task = self.loop.create_task(cycle.run_asgi(app), context=context_for(self.owner.caller))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)
        return True

    def on_body(self, body: bytes) -> None:
        """A body is bounded by who reads it. What frames its chunks, and trailers behind them, count as a head does."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """What comes next is another head."""
        self._head_is_open = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Read on, where reading stopped because too many requests waited.

        Nobody reads the rest of a body whose answer is out: it may take as long as a head.
        """
        self._is_pipelined = True  # what `pipeline` has starts by that
        try:
            super().on_response_complete()
        finally:
            self._is_pipelined = False
        if not self._is_answering() and not self.transport.is_closing():
            self.idle.add(self)
        if self._unparsed:
            self._came_at = time.monotonic()  # till now an answer in front of it was due
            self.loop.call_soon(self._parse)
        if not self._head_is_open and not self._is_answering() and self._head_timer is None:
            self._expect_head()

    def send_400_response(self, msg: str) -> None:
        """The parser's only answer to a fault is 400; a large head has a status of its own."""
        if len(self.headers or ()) >= MAX_HEADERS:
            self._refuse_head()
        else:
            super().send_400_response(msg)

    def pause_writing(self) -> None:
        """The client doesn't read: give it some time."""
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(WRITE_TIMEOUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has read."""
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def _give_up(self) -> None:
        """Close, unless it is we who are late: with an answer, with parsing the head, or with reading it."""
        assert self._head_timer is not None  # noqa: S101  it is that one which has run down
        is_late = self.loop.time() > self._head_timer.when() + _LATE_S
        if self._is_answering() or is_late or (self._head_is_open and self._waits_for_turn):
            self._expect_head()
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Answer what has come, and close: also what nobody has had the time to look at."""
        self._is_last = True
        self.loop.call_later(0, self._close_if_idle)  # which comes after what there is to read

    def _close_if_idle(self) -> None:
        if self._is_answering():
            self._close_behind_the_last()
        elif not self._unparsed:
            if (left_s := self._first_request_in_s()) > 0:
                self.loop.call_later(left_s, self._close_if_idle)
            else:
                super().shutdown()

    def _first_request_in_s(self) -> float:
        """How long a first request may still take to come."""
        return self._began + FIRST_REQUEST_S - self.loop.time() if self.cycle is None else 0.0

    def _close_behind_the_last(self) -> None:
        """The answer to the newest request closes the connection, and no other does: the newest would get none."""
        last, newest = self._last_cycle, self.cycle
        if last is not None and last is not newest and not last.response_started:
            last.keep_alive = True
        if newest is not None and newest.keep_alive:
            newest.keep_alive = False
            self._last_cycle = newest

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _cancel_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse_head(self) -> None:
        message = b"at most %d headers and %d bytes of them are accepted" % (MAX_HEADERS, MAX_HEAD_BYTES)
        self.transport.write(_HEAD_TOO_LARGE % (len(message), message))
        self.transport.close()
