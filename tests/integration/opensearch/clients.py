"""People who search while something goes wrong."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from integration.opensearch.corpus import QUERY
from integration.opensearch.search import Json, ids, marker

BODY: Json = {"query": {"match": {"body": QUERY}}, "_source": False}
CLIENTS = 16
PAUSE_S = 0.1
ENOUGH = 64


@dataclass
class Record:
    """What the clients have seen."""

    statuses: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str | None] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)
    reranked: Counter[int] = field(default_factory=Counter)
    orders: set[tuple[str, ...]] = field(default_factory=set)

    def add(self, response: httpx.Response, took_ms: float) -> None:
        self.statuses[response.status_code] += 1
        self.took_ms.append(took_ms)
        answer = response.json() if response.status_code == 200 else {}
        if "ext" in answer:
            self.reasons[marker(answer)["reason"]] += 1
            self.reranked[marker(answer)["reranked"]] += 1
            if marker(answer)["reason"] is not None:
                self.orders.add(tuple(ids(answer)))

    def so_far(self) -> Record:
        """Without the searches that are still under way: these may end in what comes after."""
        counts = Counter(self.statuses), Counter(self.reasons), [*self.took_ms], Counter(self.reranked)
        return Record(*counts, {*self.orders})

    def p99_ms(self) -> float:
        return sorted(self.took_ms)[int(len(self.took_ms) * 0.99)]


class Clients:
    """Sixteen at a time, each pausing as people do, until told to stop."""

    def __init__(
        self,
        url: str,
        pipeline: str,
        index: str = "docs",
        body: Json = BODY,
        expected: Set[str | None] = frozenset({None}),
    ) -> None:
        self.url, self.pipeline, self.index, self.body = url, pipeline, index, body
        self.expected = expected  # the reasons of searches while nothing is wrong
        self.record = Record()
        self._over = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def searching(self) -> Iterator[Clients]:
        with ThreadPoolExecutor(CLIENTS) as pool:
            runs = [pool.submit(self._search) for _ in range(CLIENTS)]
            try:
                yield self
            finally:
                self._over.set()
        for run in runs:
            run.result()

    def new_record(self) -> Record:
        """Begins another record and hands over the last."""
        with self._lock:
            last, self.record = self.record, Record()
        return last

    def warm_record(self) -> Record:
        """The first record without a fault: a Java process compiles what it runs, a sidecar that is back is probed."""
        for _ in range(60):
            time.sleep(0.5)
            record = self.new_record()
            with self._lock:
                record = record.so_far()
            if any(record.reranked) and set(record.reasons) <= self.expected:
                break
        return record

    def await_reason(self, reason: str) -> None:
        """Until a search says so."""
        deadline = time.monotonic() + 30
        while reason not in self.record.reasons:
            assert time.monotonic() < deadline, self.record
            time.sleep(0.1)

    def full_record(self) -> Record:
        """A record of the next searches, at least two seconds of them."""
        for _ in range(10):
            time.sleep(2)
            if len(self.record.took_ms) >= ENOUGH:
                break
        return self.new_record()

    def _search(self) -> None:
        with httpx.Client(base_url=self.url, timeout=30, trust_env=False) as http:
            while not self._over.is_set():
                record, start = self.record, time.perf_counter()
                response = http.post(
                    f"{self.index}/_search", json=self.body, params={"search_pipeline": self.pipeline}
                )
                took_ms = (time.perf_counter() - start) * 1000
                with self._lock:
                    record.add(response, took_ms)
                self._over.wait(PAUSE_S)
