"""A sidecar fails while sixteen clients search: no search fails, each answers in time and says why."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from integration.opensearch.conftest import TIMEOUT_MS, Sidecars
from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY
from integration.opensearch.fake import FakeSidecar
from integration.opensearch.search import Engine, Json, ids, marker
from jrerank.evaluation.opensearch_node.releases import OPENSEARCH_3

pytestmark = [
    pytest.mark.node,
    pytest.mark.parametrize("release", [OPENSEARCH_3], indirect=True, ids=["3.8.0"]),
]

BODY: Json = {"query": {"match": {"body": QUERY}}, "_source": False}
CLIENTS = 16
PAUSE_S = 0.1
PATIENCE_MS = 5_000
ENOUGH = 64
SETTLED_S = TIMEOUT_MS / 1000 + PAUSE_S


@dataclass
class Record:
    """What the clients have seen."""

    statuses: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str | None] = field(default_factory=Counter)
    took_ms: list[float] = field(default_factory=list)
    orders: set[tuple[str, ...]] = field(default_factory=set)

    def add(self, response: httpx.Response, took_ms: float) -> None:
        self.statuses[response.status_code] += 1
        self.took_ms.append(took_ms)
        if response.status_code == 200:
            answer = response.json()
            self.reasons[marker(answer)["reason"]] += 1
            if marker(answer)["reason"] is not None:
                self.orders.add(tuple(ids(answer)))

    def p99_ms(self) -> float:
        return sorted(self.took_ms)[int(len(self.took_ms) * 0.99)]


class Clients:
    """Sixteen at a time, each pausing as people do, until told to stop."""

    def __init__(self, url: str, pipeline: str) -> None:
        self.url, self.pipeline = url, pipeline
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
        for _ in range(20):
            time.sleep(0.5)
            record = self.new_record()
            if set(record.reasons) == {None}:
                break
        return record

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
                response = http.post("docs/_search", json=BODY, params={"search_pipeline": self.pipeline})
                took_ms = (time.perf_counter() - start) * 1000
                with self._lock:
                    record.add(response, took_ms)
                self._over.wait(PAUSE_S)


Fault = Callable[[FakeSidecar], None]


def mode(name: str) -> Fault:
    return lambda fake: fake.behave(name)


def heal(fake: FakeSidecar) -> None:
    fake.start()
    fake.behave("ok")


def thaw(fake: FakeSidecar) -> None:
    fake.thaw()
    heal(fake)


FAULTS: dict[str, tuple[Fault, Fault, set[str]]] = {
    "SIGKILL": (FakeSidecar.kill, heal, {"unreachable", "connection_lost"}),
    "SIGSTOP": (FakeSidecar.freeze, thaw, {"timeout"}),
    "silent": (mode("silent"), heal, {"timeout"}),
    "closes": (mode("close"), heal, {"connection_lost"}),
    "500": (mode("status_500"), heal, {"status_500"}),
    "503": (mode("status_503"), heal, {"status_503"}),
    "429": (mode("status_429"), heal, {"status_429"}),
    "garbage": (mode("garbage"), heal, {"invalid_answer"}),
    "half a body": (mode("half"), heal, {"connection_lost"}),
    "20 too few": (mode("missing"), heal, {"missing_results"}),
    "a duplicate": (mode("duplicate"), heal, {"duplicate_results"}),
    "drip": (mode("drip"), heal, {"timeout"}),
    "endless": (mode("endless"), heal, {"answer_too_large", "timeout"}),
}


@pytest.mark.parametrize(("fault", "cure", "reasons"), list(FAULTS.values()), ids=list(FAULTS))
def test_no_search_fails_and_each_says_why(
    engine: Engine, sidecars: Sidecars, fault: Fault, cure: Fault, reasons: set[str]
) -> None:
    plain = engine.plain(BODY)
    with Clients(str(engine.http.base_url), "rerank").searching() as clients:
        healthy = clients.warm_record()
        time.sleep(SETTLED_S)  # what began before the fault belongs to neither record
        begun_before = clients.new_record()
        fault(sidecars.main)
        faulty = clients.full_record()
        time.sleep(SETTLED_S)
        cure(sidecars.main)
        engine.await_closed_circuits()
        time.sleep(SETTLED_S)
        clients.new_record()
        healed = clients.warm_record()
    assert set(healthy.statuses) == set(faulty.statuses) == set(healed.statuses) == {200}
    assert set(healthy.reasons) == set(healed.reasons) == {None}
    assert (faulty.reasons | begun_before.reasons).keys() & reasons
    assert set(faulty.reasons) <= reasons | {None, "circuit_open"}
    assert faulty.orders == {tuple(ids(plain))}
    # how soon is measured by `make bench`; here it is only that nobody waits for the sidecar for ever
    assert faulty.p99_ms() <= PATIENCE_MS, faulty


def test_the_circuit_opens_and_costs_nothing_while_it_is(engine: Engine, sidecars: Sidecars) -> None:
    sidecars.main.behave("status_500")
    reasons = [marker(engine.search(BODY))["reason"] for _ in range(10)]
    assert reasons == ["status_500"] * 5 + ["circuit_open"] * 5
    stats = engine.stats()["endpoints"]["main"][0]
    assert stats["circuit"] == "open"


@pytest.mark.parametrize("name", ["kill", "freeze", "status_500"])
def test_the_other_sidecar_answers_instead(engine: Engine, sidecars: Sidecars, name: str) -> None:
    engine.put_pipeline("pair", passage_fields=PASSAGE_FIELDS, endpoint="pair", timeout_ms=1000)
    fault = {"kill": FakeSidecar.kill, "freeze": FakeSidecar.freeze}.get(name, mode(name))
    fault(sidecars.second)
    try:
        for _ in range(6):
            assert marker(engine.search(BODY, search_pipeline="pair"))["outcome"] == "complete"
    finally:
        if name == "freeze":
            sidecars.second.thaw()


def test_both_sidecars_gone(engine: Engine, sidecars: Sidecars) -> None:
    engine.put_pipeline("pair", passage_fields=PASSAGE_FIELDS, endpoint="pair")
    sidecars.second.kill()
    sidecars.third.kill()
    assert marker(engine.search(BODY, search_pipeline="pair"))["reason"] in {"unreachable", "connection_lost"}


class TestOnFailureError:
    def test_fails_the_search_and_says_why(self, engine: Engine, sidecars: Sidecars) -> None:
        engine.put_pipeline("strict", passage_fields=PASSAGE_FIELDS, endpoint="main", on_failure="error")
        sidecars.main.behave("status_500")
        response = engine.http.post("docs/_search", json=BODY, params={"search_pipeline": "strict"})
        assert response.status_code == 503
        assert "status_500" in response.text

    def test_an_answer_that_scored_nothing_is_a_failure_too(self, engine: Engine, sidecars: Sidecars) -> None:
        engine.put_pipeline("strict", passage_fields=PASSAGE_FIELDS, endpoint="main", on_failure="error")
        sidecars.main.behave("passthrough")
        response = engine.http.post("docs/_search", json=BODY, params={"search_pipeline": "strict"})
        assert response.status_code == 503
        assert "engine_error" in response.text

    def test_what_is_passed_through_is_no_failure(self, engine: Engine) -> None:
        engine.put_pipeline("strict", passage_fields=PASSAGE_FIELDS, endpoint="main", on_failure="error")
        assert marker(engine.search({**BODY, "size": 0}, search_pipeline="strict"))["reason"] == "size_zero"


def test_a_late_page_is_still_the_callers(engine: Engine, sidecars: Sidecars) -> None:
    sidecars.main.behave("status_500")
    for start, size in ((0, 10), (10, 10), (95, 10)):
        body = {**BODY, "from": start, "size": size, "_source": ["number"]}
        response, plain = engine.search(body), engine.plain(body)
        assert response["hits"] == plain["hits"]
