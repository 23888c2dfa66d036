"""The queue with more requests than a unit test has time for."""

from __future__ import annotations

from jrerank.scheduling.queue import Queue
from jrerank.scheduling.throughput import Throughput
from jrerank.scheduling.work import PairWork, Ticket


def test_a_hundred_thousand_open_requests_are_served_in_order() -> None:
    throughput = Throughput(1)
    throughput.calibrate(1_000, 1.0)
    queue: Queue[str] = Queue(throughput, 10**9, max_ready_tokens=10_000)
    tickets: list[Ticket[str]] = [
        queue.admit([PairWork(b"%d" % number, str(number), 10)], 10**6, f"caller {number % 100}", 0.0)
        for number in range(100_000)
    ]
    tokenize_some = queue.next_texts(100, 0.0)
    assert tokenize_some[0].text == "0"
    for ticket in tickets:
        queue.leave(ticket)
    assert (queue.open_pairs, queue.waiting_tokens, queue.tickets) == (0, 0, ())
