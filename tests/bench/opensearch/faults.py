"""Sixteen clients search while the sidecar fails: no search fails, none waits long, and a circuit's changes are a line each.

First the circuit breaker is kept from opening, so that every one of the searches meets the fault; then it is as it is by default.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from integration.opensearch.clients import CLIENTS, Clients, Record
from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY, load
from integration.opensearch.fake import FakeSidecar
from integration.opensearch.faults import FAULTS, Fault
from integration.opensearch.search import Engine
from jrerank.admin.opensearch_node.node import Node

TIMEOUT_MS = 300
ALLOWED_MS = TIMEOUT_MS + 50
SETTLED_S = 0.5
LONG_PASSAGES, LONG_CHARS = 100, 100_000
HEAP = "2g"  # a search for all the long ones holds 30 MB of them


def main(seconds: float) -> bool:
    """`seconds` of each fault. Whether no search failed or was late, and each change of a circuit was one line."""
    sidecar = FakeSidecar()
    sidecar.start()
    settings = {
        "jrerank.endpoint.patient.urls": sidecar.url,
        "jrerank.endpoint.patient.breaker.failures": 1_000_000,
        "jrerank.endpoint.main.urls": sidecar.url,
    }
    try:
        with Node(settings=settings, jvm=(), heap=HEAP) as node, Engine(node.url) as engine:
            for endpoint in ("patient", "main"):
                engine.put_pipeline(endpoint, 100, PASSAGE_FIELDS, endpoint=endpoint, timeout_ms=TIMEOUT_MS)
            load(engine, "docs", kuromoji=True, default_pipeline="patient")
            _load_long(engine)
            print(f"faults, {CLIENTS} clients, timeout {TIMEOUT_MS} ms: p99 (allowed {ALLOWED_MS} ms)")
            records = [
                *_measure(node, sidecar, "docs", list(FAULTS), seconds),
                *_measure(node, sidecar, "long", ["silent", "500"], seconds),
            ]
            are_lines_right = _count_lines(node, engine, sidecar)
            return are_lines_right and all(map(_is_right, records))
    finally:
        sidecar.kill()


def _load_long(engine: Engine) -> None:
    text = {"type": "text", "analyzer": "kuromoji"}
    mappings = {"properties": dict.fromkeys(PASSAGE_FIELDS, text)}
    engine.put("long", {"settings": {"index": {"number_of_replicas": 0}}, "mappings": mappings})
    rest = "長い本文。" * (LONG_CHARS // 5)
    for start in range(0, LONG_PASSAGES, 10):
        numbers = range(start, start + 10)
        engine.bulk("long", [{"id": str(n), "title": f"{n}", "body": f"{QUERY}。{rest}"} for n in numbers])


def _measure(
    node: Node, sidecar: FakeSidecar, index: str, faults: list[str], seconds: float
) -> Iterator[Record]:
    with Clients(node.url, "patient", index).searching() as clients:
        clients.warm_record()
        time.sleep(seconds)
        yield _printed(f"{index}, none", clients.new_record())
        for name in faults:
            fault, cure, _ = FAULTS[name]
            yield _printed(f"{index}, {name}", _faulty(clients, sidecar, fault, cure, seconds))


def _is_right(record: Record) -> bool:
    return set(record.statuses) == {200} and record.p99_ms() <= ALLOWED_MS


def _faulty(clients: Clients, sidecar: FakeSidecar, fault: Fault, cure: Fault, seconds: float) -> Record:
    fault(sidecar)
    time.sleep(SETTLED_S)  # what began before the fault is over
    clients.new_record()
    time.sleep(seconds)
    record = clients.new_record()
    cure(sidecar)
    clients.warm_record()
    return record


def _count_lines(node: Node, engine: Engine, sidecar: FakeSidecar) -> bool:
    """Each fault opens the circuit, and its end closes it: whether each of that is one line."""
    are_right = True
    print("  changes of a circuit, and their lines in the log:")
    with Clients(node.url, "main").searching() as clients:
        clients.warm_record()
        for name, (fault, cure, _) in FAULTS.items():
            before, lines = _opened(engine), _lines(node)
            fault(sidecar)
            time.sleep(2)
            cure(sidecar)
            engine.await_closed_circuits()
            clients.warm_record()
            new = _lines(node)[len(lines) :]
            opened = sum(" opened after " in line for line in new)
            times, closed = _opened(engine) - before, len(new) - opened
            are_right &= times == opened == closed
            print(
                f"    {name:<12} opened {times} times: {opened} lines of opening, {closed} of closing",
                flush=True,
            )
    return are_right


def _opened(engine: Engine) -> int:
    return sum(one["counts"].get("opened", 0) for one in engine.stats()["endpoints"]["main"])


def _lines(node: Node) -> list[str]:
    return [line for line in node.log.read_text(encoding="utf-8").splitlines() if "jrerank circuit" in line]


def _printed(name: str, record: Record) -> Record:
    if not record.took_ms:
        print(f"  {name:<18} no search has ended: take more --seconds", flush=True)
        return record
    failed = sum(count for status, count in record.statuses.items() if status != 200)
    said = ", ".join(f"{count} {reason or 'reranked'}" for reason, count in record.reasons.items())
    total = len(record.took_ms)
    print(
        f"  {name:<18} {record.p99_ms():6.0f} ms, {failed} of {total} searches failed; {said}",
        flush=True,
    )
    return record
