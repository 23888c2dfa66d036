"""The clock of the generator is the wall's: these tests take tenths of a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from jrerank.bench.load.driver import Capacity, answered, closed_loop, open_loop, why_unanswered
from jrerank.bench.load.memory import Memory
from jrerank.bench.load.record import Answer, Record, useful_for_s
from jrerank.bench.load.report import Run, load_report
from jrerank.bench.load.requests import LoadRequest


def busy_for(seconds: float) -> None:
    """Holds up the event loop, as a sender without a core of its own is held up."""
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        pass


def requests() -> Iterator[LoadRequest]:
    number = 0
    while True:
        yield LoadRequest(number, "q", ("p",), number % 2)
        number += 1


@dataclass
class Stalling:
    """Answers at once, but nobody while the stall lasts: as a process that is stopped."""

    stalled_until: float = 0.0
    stall_at: int = 10
    stall_s: float = 0.3
    sent: list[int] = field(default_factory=list)

    async def send(self, request: LoadRequest) -> Answer:
        self.sent.append(request.number)
        now = asyncio.get_running_loop().time()
        if len(self.sent) == self.stall_at:
            self.stalled_until = now + self.stall_s
        await asyncio.sleep(max(0.0, self.stalled_until - now))
        return Answer("complete", 1)


async def test_requests_are_sent_while_a_stall_lasts_and_it_shows_in_the_percentiles() -> None:
    target = Stalling()
    record = await open_loop(target, [number / 100 for number in range(60)], requests(), deadline_s=0.15)
    assert target.sent == list(range(60))
    assert record.count == 60
    assert record.max_ms >= 290
    assert record.percentile_ms(75) >= 50, "all that were due in the stall have waited for its end"
    assert record.late >= 10, "each of them, not one alone"


class Hanging:
    """Takes requests and never answers."""

    async def send(self, request: LoadRequest) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_target_that_hangs_does_not_hang_the_run() -> None:
    record = await open_loop(Hanging(), [0.0, 0.01], requests(), deadline_s=0.05, given_up_after_s=0.1)
    assert record.outcomes == {"error": 2}
    assert set(record.details) == {"no answer within 0 s"}
    assert await closed_loop(Hanging(), 2, 0.05, requests(), 0.05, given_up_after_s=0.1) == Capacity(0.0, 0.0)
    assert (await answered(Hanging(), next(requests()), 0.05)).outcome == "error"


@dataclass
class Scripted:
    """Gives these outcomes in turn, the last one from then on, each after `answers_after_s`."""

    outcomes: list[str]
    answers_after_s: float = 0.0
    sent: int = 0

    async def send(self, request: LoadRequest) -> Answer:
        self.sent += 1
        await asyncio.sleep(self.answers_after_s)
        return Answer(self.outcomes[min(self.sent, len(self.outcomes)) - 1], 1, "in words")


@pytest.mark.parametrize(
    ("outcomes", "reason", "sent"),
    [
        (["complete"], None, 1),
        (["passthrough"], None, 1),
        (["error"], "a single request failed: in words", 1),
        (["refused"], "10 requests were refused, one after the other", 10),
        (["refused", "refused", "partial"], None, 3),
    ],
)
async def test_one_failure_or_ten_refusals_tell_that_nothing_is_answered(
    outcomes: list[str], reason: str | None, sent: int
) -> None:
    target = Scripted(outcomes)
    assert await why_unanswered(target, requests(), 1.0) == reason
    assert target.sent == sent


async def test_a_single_request_has_its_deadline_as_those_of_a_run_have() -> None:
    slow = Scripted(["complete"], answers_after_s=0.1)
    assert await why_unanswered(slow, requests(), deadline_s=5.0, given_up_after_s=0.01) is None
    capacity = await closed_loop(slow, 1, 0.02, requests(), deadline_s=5.0, given_up_after_s=0.01)
    assert capacity.pairs > 0
    reason = await why_unanswered(slow, requests(), deadline_s=0.01, given_up_after_s=0.01)
    assert reason == "a single request failed: no answer within 0 s"


def test_of_no_request_nobody_was_served() -> None:
    assert Record().unserved == 1.0


async def test_a_sender_that_falls_behind_says_so() -> None:
    async def block(request: LoadRequest) -> Answer:
        busy_for(0.1)
        return Answer("refused")

    target = Stalling(stall_at=-1)
    target.send = block  # type: ignore[method-assign]
    record = await open_loop(target, [0.0, 0.01, 0.02, 0.03], requests(), 1.0)
    assert record.worst_lag_s > 0.05
    run = Run(record, 4.0, 1.0, 1000, "target", memory=Memory([5, 7, 6]), capacity=2.0, callers=2)
    report = load_report(run)
    assert "the sender fell up to" in report.notes[1]
    figures = {figure.name: figure.value for figure in report.systems[0].figures}
    assert (figures["refused"], figures["memory"], figures["goodput of capacity"]) == (4, 7, 0)
    assert [system.name for system in report.systems[1:]] == ["caller 1", "caller 2"]


def test_an_answer_that_leaves_at_its_deadline_is_of_use_when_it_comes() -> None:
    assert useful_for_s(300) == pytest.approx(0.4)
    assert useful_for_s(5000) == pytest.approx(5.5)


async def test_a_closed_loop_measures_what_so_many_clients_get() -> None:
    class Slow:
        async def send(self, request: LoadRequest) -> Answer:
            await asyncio.sleep(0.02)
            return Answer("complete", 5)

    capacity = await closed_loop(Slow(), 2, 0.3, requests(), 1.0)
    assert 0 < capacity.pairs <= 500, "two clients, each 50 times a second, five pairs each time"
    assert capacity.requests == pytest.approx(capacity.pairs / 5)


@pytest.mark.parametrize(
    ("outcome", "served"), [("complete", True), ("partial", True), ("passthrough", False)]
)
async def test_a_closed_loop_counts_who_is_served_though_there_was_nothing_to_score(
    outcome: str, served: bool
) -> None:
    class Search:
        async def send(self, request: LoadRequest) -> Answer:
            await asyncio.sleep(0.01)
            return Answer(outcome, 0)

    capacity = await closed_loop(Search(), 1, 0.1, requests(), 1.0)
    assert (capacity.pairs, capacity.requests > 0) == (0, served)
