"""Callers on an event loop: whose call is next. Time is told by the calls themselves; the last tests are on a real loop."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Context
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.fairness import loop as fair_loop
from jrerank.fairness.caller import HOUSE, SIDECAR, STRANGERS, Owner, context_for, on_behalf_of
from jrerank.fairness.loop import FairCalls, FairEventLoop, comes_in, turn_of

T = TypeVar("T")
ROUND_S = fair_loop._ROUND_S


class Calls:
    """What a loop has to call, and a loop that calls it. Each call takes the time that it says."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.called: list[tuple[str, int]] = []
        self.loop = asyncio.new_event_loop()
        pause = asyncio.Handle(lambda: None, (), self.loop)
        pause.cancel()
        self.ready = FairCalls(pause, lambda: self.now_s)
        self._numbers = defaultdict[str, int](int)

    def add(self, caller: str, seconds: float = 0.0) -> asyncio.Handle:
        number = self._numbers[caller]
        self._numbers[caller] += 1

        def call() -> None:
            self.now_s += seconds
            self.called.append((caller, number))

        handle = asyncio.Handle(call, (), self.loop, context_for(caller))
        self.ready.append(handle)
        return handle

    def run_round(self) -> None:
        """As `BaseEventLoop._run_once` does, between two looks at the sockets."""
        for _ in range(len(self.ready)):
            handle = self.ready.popleft()
            if not handle.cancelled():
                handle._run()

    def run(self) -> list[str]:
        """Until nothing is left: whose calls were called."""
        before = len(self.called)
        while self.ready:
            self.run_round()
        return [caller for caller, _ in self.called[before:]]


@pytest.fixture
def calls() -> Iterator[Calls]:
    made = Calls()
    yield made
    made.loop.close()


def test_who_asks_little_waits_for_one_call_of_who_asks_much(calls: Calls) -> None:
    for _ in range(1_000):
        calls.add("much", 0.0001)
    calls.run_round()
    calls.add("little", 0.0001)
    assert calls.run().index("little") <= 1


def test_callers_share_time_and_not_calls(calls: Calls) -> None:
    for _ in range(40):
        calls.add("slow", 0.004)
        calls.add("quick", 0.001)
    first = calls.run()[:25]
    assert (first.count("slow"), first.count("quick")) == (5, 20)


def test_who_has_had_nothing_to_do_has_saved_nothing(calls: Calls) -> None:
    """Else a newcomer would have all of the time until it has had as much as the others."""
    for _ in range(100):
        calls.add("old", 0.001)
    calls.run()
    for _ in range(10):
        calls.add("new", 0.001)
        calls.add("old", 0.001)
    assert abs(calls.run()[:10].count("new") - 5) <= 1


def test_nor_does_anybody_pay_for_the_time_in_which_there_was_nothing_to_do(calls: Calls) -> None:
    calls.add("last", 0.001)
    calls.run()
    calls.now_s += 10
    for _ in range(20):
        calls.add("other", 0.001)
    calls.add("last", 0.001)
    assert calls.run().index("last") <= 2


def test_nor_is_it_forgotten_what_somebody_has_just_had(calls: Calls) -> None:
    """Who asks for one thing after the other would else be level with the others each time."""
    calls.add("other", 0.001)
    calls.add("long", 0.010)
    for _ in range(20):
        calls.add("other", 0.001)
    while ("long", 0) not in calls.called:
        calls.run_round()
    calls.add("long", 0.001)
    assert 8 <= calls.run().index("long") <= 11


@pytest.mark.parametrize("others", [1, 60])
def test_who_has_been_served_does_not_wait_for_long_because_of_that(calls: Calls, others: int) -> None:
    """Where all ask without end, and all but one have been refused at little cost."""
    for other in range(others):
        calls.add(f"other {other}", 0.001)
    calls.add("served", 1.0)
    for turn in range(2_000):
        calls.add(f"other {turn % others}", 0.001)
    while ("served", 0) not in calls.called:
        calls.run_round()
    now_s = calls.now_s
    calls.add("served", 0.001)
    while ("served", 1) not in calls.called:
        calls.run_round()
    assert calls.now_s - now_s <= fair_loop._MOST_DEBT_S + 0.001 * (others + 2)


def test_what_a_caller_has_begun_goes_before_what_comes_in(calls: Calls) -> None:
    called = list[str]()

    @comes_in
    def parse() -> None:
        called.append("parse")

    calls.ready.append(asyncio.Handle(parse, (), calls.loop, context_for("caller")))
    for _ in range(2):
        calls.ready.append(asyncio.Handle(called.append, ("answer",), calls.loop, context_for("caller")))
    calls.run()
    assert called == ["answer", "answer", "parse"]


def test_but_what_comes_in_has_a_turn_too_where_something_begins_without_end(calls: Calls) -> None:
    """As the requests of one caller may that are answered as soon as they are read."""
    called, context = list[str](), context_for("caller")

    def answer() -> None:
        called.append("answer")
        if len(called) < 100:
            calls.ready.append(asyncio.Handle(answer, (), calls.loop, context))

    @comes_in
    def parse() -> None:
        called.append("parse")

    for call in (answer, answer, parse, parse):
        calls.ready.append(asyncio.Handle(call, (), calls.loop, context))
    calls.run()
    every = fair_loop._INCOMING_EVERY
    assert [place + 1 for place, one in enumerate(called) if one == "parse"] == [every, 2 * every]


def test_all_else_of_a_connection_stays_in_order(calls: Calls) -> None:
    """It is made before it is read, and lost at last, whichever of the transport and the protocol is called."""
    protocol = Reader(owner=Owner("caller"))
    transport = Reader(protocol=protocol)
    handles = [
        asyncio.Handle(one.read, (), calls.loop, context)
        for one, context in (
            (protocol, Context()),
            (transport, context_for("caller")),
            (protocol, context_for("b")),
        )
    ]
    for handle in handles:
        calls.ready.append(handle)
    assert len(calls.ready) == 3
    assert [calls.ready.popleft() for _ in handles] == handles


def test_calls_for_all_come_first_in_a_round_and_once(calls: Calls) -> None:
    """Who gives turns comes again at once: it would give all turns before anybody had used one."""

    def give_turn() -> None:
        calls.called.append((HOUSE, 0))
        if len(calls.called) < 20:
            handle = asyncio.Handle(give_turn, (), calls.loop, context_for(HOUSE))
            calls.ready.append(handle)

    calls.add("caller", ROUND_S)
    calls.ready.append(asyncio.Handle(give_turn, (), calls.loop, context_for(HOUSE)))
    for _ in range(3):
        calls.add("caller", ROUND_S)
    assert calls.run()[:6] == [HOUSE, "caller"] * 3


def test_however_long_they_take_a_caller_has_a_call_in_each_round(calls: Calls) -> None:
    def give_turn() -> None:
        calls.now_s += 2 * ROUND_S
        if calls.now_s < 100 * ROUND_S:
            calls.ready.append(asyncio.Handle(give_turn, (), calls.loop, context_for(HOUSE)))

    calls.ready.append(asyncio.Handle(give_turn, (), calls.loop, context_for(HOUSE)))
    for _ in range(5):
        calls.add("caller", ROUND_S)
    for count in range(5):
        assert len(calls.called) == count
        calls.run_round()


def test_a_round_ends_in_time_and_has_one_call_at_least(calls: Calls) -> None:
    for seconds in (ROUND_S / 2, ROUND_S, ROUND_S * 10, 0.0):
        calls.add("caller", seconds)
    counts = []
    while calls.ready:
        calls.run_round()
        counts.append(len(calls.called))
    assert counts == [2, 3, 4]


def test_a_round_is_longer_where_a_look_at_the_sockets_is(calls: Calls) -> None:
    for _ in range(10):
        calls.add("caller", ROUND_S)
    assert calls.ready
    calls.now_s += 2 * ROUND_S
    calls.run_round()
    assert len(calls.called) == 4


def test_what_reads_from_a_socket_is_called_once_however_often_the_loop_has_seen_it(calls: Calls) -> None:
    handle = calls.add("caller")
    for _ in range(3):
        calls.ready.append(handle)
    assert calls.run() == ["caller"]
    calls.ready.append(handle)
    calls.add("other")
    assert calls.run() == ["caller", "other"]
    assert not any(calls.ready._lines.values())


def test_what_is_cancelled_is_not_called(calls: Calls) -> None:
    calls.add("a").cancel()
    calls.add("b")
    assert calls.run() == ["b"]


def test_what_is_cleared_is_forgotten(calls: Calls) -> None:
    for _ in range(2):
        calls.add("a")
    assert len(calls.ready) == 2
    calls.ready.popleft()
    calls.ready.clear()
    assert not calls.ready
    calls.add("b")
    assert calls.run() == ["b"]


class Reader:
    """A protocol, or a transport that has one."""

    def __init__(self, protocol: object = None, owner: object = None) -> None:
        if protocol is not None:
            self._protocol = protocol
        if owner is not None:
            self.owner = owner

    def read(self) -> None:
        """What a loop calls."""


class Made(asyncio.Protocol):
    """What the sidecar has opened a connection with."""

    def read(self) -> None:
        """What a loop calls."""


@pytest.mark.parametrize(
    ("reader", "context", "expected"),
    [
        (Reader(protocol=Reader(owner=Owner("a"))), context_for("who resumed reading"), "a"),
        (Reader(owner=Owner("a")), Context(), "a"),
        (Reader(protocol=Reader(owner=Owner())), Context(), STRANGERS),
        (Reader(protocol=Reader()), context_for("who asked a store first"), SIDECAR),
        (Reader(protocol=Reader()), context_for(STRANGERS), STRANGERS),  # TLS, before a login
        (Made(), context_for("who asked a store first"), SIDECAR),
        (Made(), context_for(STRANGERS), STRANGERS),
        (Reader(owner="of another library"), context_for("b"), "b"),
        (Reader(), Context(), SIDECAR),
    ],
)
def test_a_call_is_for_the_connections_owner_or_whom_its_context_names(
    calls: Calls, reader: Reader | Made, context: Context, expected: str
) -> None:
    assert fair_loop._caller_of(asyncio.Handle(reader.read, (), calls.loop, context)) == expected


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", HOUSE, None]), st.sampled_from([0.0, 0.001, 0.01]))
    )
)
def test_everything_is_called_once_and_a_callers_in_order(steps: list[tuple[str | None, float]]) -> None:
    calls, added = Calls(), defaultdict[str, int](int)
    for caller, seconds in steps:
        if caller is None:
            calls.run_round()
        else:
            calls.add(caller, seconds)
            added[caller] += 1
    calls.run()
    calls.loop.close()
    for caller in added:
        assert [number for of, number in calls.called if of == caller] == [*range(added[caller])]
    assert not any(calls.ready._lines.values())


def run(work: Callable[[], Awaitable[T]]) -> T:
    async def main() -> T:
        return await work()

    with asyncio.Runner(loop_factory=FairEventLoop) as runner:
        return runner.run(main())


def test_a_task_of_ten_steps_is_not_held_up_by_three_hundred_tasks_of_another_caller() -> None:
    async def work() -> int:
        steps = 0

        async def many() -> None:
            nonlocal steps
            while True:
                steps += 1
                await asyncio.sleep(0)

        async def few() -> int:
            for _ in range(10):
                await asyncio.sleep(0)
            return steps

        running = asyncio.get_running_loop()
        many_tasks = [running.create_task(many(), context=context_for("many")) for _ in range(300)]
        for _ in range(3):
            await asyncio.sleep(0.001)
        before = steps
        after = await running.create_task(few(), context=context_for("few"))
        for task in many_tasks:
            task.cancel()
        return after - before

    assert run(work) < 300


def test_a_loop_serves_connections_threads_and_timers_as_asyncios_does() -> None:
    async def work() -> tuple[bytes, str, float]:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            with on_behalf_of("caller"):
                writer.write(b"line\n")
                line = await reader.read()
            writer.close()
            await writer.wait_closed()
        in_thread = await asyncio.to_thread(str.upper, "a")
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(0.01)
        return line, in_thread, asyncio.get_running_loop().time() - begun

    line, in_thread, slept_s = run(work)
    assert (line, in_thread) == (b"line\n", "A")
    assert slept_s >= 0.01


class Client(asyncio.Protocol):
    """Keeps what is called of it, and says when its connection is lost."""

    def __init__(self) -> None:
        self.called = list[str]()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.called.append("made")

    def data_received(self, data: bytes) -> None:
        self.called.append("data")

    def connection_lost(self, exc: Exception | None) -> None:
        self.called.append("lost")
        self.lost.set()


async def say_and_close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"at once")
    writer.close()


async def step_on(until: asyncio.Event) -> None:
    while not until.is_set():  # noqa: ASYNC110  which is what is meant: to be busy
        await asyncio.sleep(0)


def test_a_connection_of_our_own_is_made_before_it_is_read_however_busy_its_caller_is() -> None:
    async def work() -> list[str]:
        client, running = Client(), asyncio.get_running_loop()
        server = await asyncio.start_server(say_and_close, "127.0.0.1", 0)
        async with server:
            with on_behalf_of("caller"):
                busy = [asyncio.ensure_future(step_on(client.lost)) for _ in range(300)]
                address = server.sockets[0].getsockname()
                await asyncio.ensure_future(running.create_connection(lambda: client, *address))
            await asyncio.gather(*busy)
        return client.called

    assert run(work) == ["made", "data", "lost"]


def test_whose_turn_it_was_is_known_when_all_of_theirs_has_been_called() -> None:
    async def work() -> list[int]:
        running, called = asyncio.get_running_loop(), list[int]()
        for number in range(2_000):
            running.call_soon(called.append, number, context=context_for(STRANGERS))
        await turn_of(HOUSE)
        await turn_of(STRANGERS)
        return called

    assert run(work) == [*range(2_000)]


def test_nothing_is_kept_of_what_has_been_called() -> None:
    async def work() -> int:
        for number in range(500):
            await asyncio.get_running_loop().create_task(
                asyncio.sleep(0), context=context_for(f"caller {number}")
            )
        await asyncio.sleep(0)
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
        assert isinstance(ready, FairCalls)
        return len(ready._lines) + len(ready._turns)

    assert run(work) < 50
