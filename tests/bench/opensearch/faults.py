"""Sixteen clients search while the sidecar fails: no search fails, none waits long, and a circuit's changes are a line each.

First the circuit breaker is kept from opening, so that every search that asks meets the fault; then it is as it is by default.
What the same clients see without us is measured beside: a machine that is full with their own searches is not full because of us.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from integration.opensearch.clients import BODY, CLIENTS, Clients, Record
from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY, load
from integration.opensearch.fake import FakeSidecar
from integration.opensearch.faults import FAULTS
from integration.opensearch.search import Engine
from jrerank.admin.opensearch_node.node import Node
from jrerank.admin.opensearch_node.releases import OPENSEARCH_3, Release

TIMEOUT_MS = 300
ALLOWED_MS = TIMEOUT_MS + 50
SETTLED_S = 0.5
WARM_S, WARM_ROUNDS, WARM_RATIO = 5, 12, 0.95
LONG_PASSAGES, LONG_CHARS = 100, 100_000
HEAP = "2g"  # a search for all the long ones holds 30 MB of them


@dataclass(frozen=True)
class Extent:
    """How much of it is run: the faults by their names, of `docs` or `long`, and whether the lines of circuits are counted."""

    seconds: float
    faults: Sequence[str] = tuple(FAULTS)
    indexes: Sequence[str] = ("docs", "long")
    counts_lines: bool = True
    release: Release = OPENSEARCH_3


def main(extent: Extent) -> bool:
    """Whether no search failed or was late, and each change of a circuit was one line."""
    sidecar = FakeSidecar()
    sidecar.start()
    settings = {
        "jrerank.endpoint.patient.urls": sidecar.url,
        "jrerank.endpoint.patient.breaker.failures": 1_000_000,
        "jrerank.endpoint.main.urls": sidecar.url,
    }
    try:
        with (
            Node(extent.release, settings, jvm=(), heap=HEAP) as node,
            Engine(node.url) as engine,
        ):
            for endpoint in ("patient", "main"):
                engine.put_pipeline(endpoint, 100, PASSAGE_FIELDS, endpoint=endpoint, timeout_ms=TIMEOUT_MS)
            load(engine, "docs", kuromoji=bool(extent.release.plugins), default_pipeline="patient")
            _load_long(engine, "kuromoji" if extent.release.plugins else "cjk")
            print(f"faults, {extent.release.version}, {CLIENTS} clients, timeout {TIMEOUT_MS} ms:")
            print(f"  median, p99 (allowed {ALLOWED_MS} ms), max, and the node's CPU time a search")
            are_right = [
                _is_right(record)
                for index in extent.indexes
                for record in _measure(node, sidecar, index, extent)
            ]
            if extent.counts_lines:
                are_right.append(_count_lines(node, engine, sidecar, extent))
            return all(are_right)
    finally:
        sidecar.kill()


def _load_long(engine: Engine, analyzer: str) -> None:
    text = {"type": "text", "analyzer": analyzer}
    mappings = {"properties": dict.fromkeys(PASSAGE_FIELDS, text)}
    engine.put("long", {"settings": {"index": {"number_of_replicas": 0}}, "mappings": mappings})
    rest = "長い本文。" * (LONG_CHARS // 5)
    for start in range(0, LONG_PASSAGES, 10):
        numbers = range(start, start + 10)
        engine.bulk("long", [{"id": str(n), "title": f"{n}", "body": f"{QUERY}。{rest}"} for n in numbers])


def _measure(node: Node, sidecar: FakeSidecar, index: str, extent: Extent) -> Iterator[Record]:
    plain = {"own page": BODY, "page's passages": {**BODY, "_source": PASSAGE_FIELDS}}
    _warm(node, Clients(node.url, "_none", index, plain["page's passages"]))
    _warm(node, _clients(node, "patient", index))
    fault, cure, _ = FAULTS["silent"]
    fault(sidecar)
    _warm(node, _clients(node, "patient", index))
    cure(sidecar)
    for name, body in plain.items():
        with Clients(node.url, "_none", index, body).searching() as clients:
            time.sleep(SETTLED_S)
            _record(f"{index}, without us, {name}", node, clients, extent.seconds)
    with _clients(node, "patient", index).searching() as clients:
        clients.warm_record()
        yield _record(f"{index}, none", node, clients, extent.seconds)
        for name in extent.faults:
            fault, cure, _ = FAULTS[name]
            fault(sidecar)
            time.sleep(SETTLED_S)  # what began before the fault is over
            yield _record(f"{index}, {name}", node, clients, extent.seconds)
            cure(sidecar)
            clients.warm_record()
    yield _while_open(node, sidecar, index, extent.seconds)


def _clients(node: Node, pipeline: str, index: str) -> Clients:
    """Searches of large documents keep a node busy, whatever its sidecar does."""
    return Clients(node.url, pipeline, index, expected={None, "window_narrowed", "node_busy"})


def _while_open(node: Node, sidecar: FakeSidecar, index: str, seconds: float) -> Record:
    """Nothing is fetched for a sidecar that is known to fail."""
    fault, cure, _ = FAULTS["500"]
    with _clients(node, "main", index).searching() as clients:
        clients.warm_record()
        fault(sidecar)
        clients.await_reason("circuit_open")
        time.sleep(SETTLED_S)
        record = _record(f"{index}, circuit open", node, clients, seconds)
        cure(sidecar)
        clients.warm_record()
    return record


def _warm(node: Node, clients: Clients) -> None:
    """Until searches don't get cheaper: a node that has just begun compiles more than it searches."""
    with clients.searching():
        for before, now in pairwise(_cpu_ms_a_search(node, clients) for _ in range(WARM_ROUNDS)):
            if now > WARM_RATIO * before:
                return


def _cpu_ms_a_search(node: Node, clients: Clients) -> float:
    before = _cpu_ms(node)
    time.sleep(WARM_S)
    return (_cpu_ms(node) - before) / max(1, len(clients.new_record().took_ms))


def _record(name: str, node: Node, clients: Clients, seconds: float) -> Record:
    clients.new_record()
    before = _cpu_ms(node)
    time.sleep(seconds)
    record, after = clients.new_record(), _cpu_ms(node)
    _print(name, record, after - before)
    return record


def _cpu_ms(node: Node) -> float:
    """Of the node's process so far: what the machine's other work does not change."""
    times = Path(f"/proc/{node.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(times[11]) + int(times[12])) * 1_000 / os.sysconf("SC_CLK_TCK")


def _is_right(record: Record) -> bool:
    return set(record.statuses) == {200} and record.p99_ms() <= ALLOWED_MS


def _count_lines(node: Node, engine: Engine, sidecar: FakeSidecar, extent: Extent) -> bool:
    """Each fault opens the circuit, and its end closes it: whether each of that is one line."""
    are_right = True
    print("  changes of a circuit, and their lines in the log:")
    with Clients(node.url, "main").searching() as clients:
        clients.warm_record()
        for name in extent.faults:
            fault, cure, _ = FAULTS[name]
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


def _print(name: str, record: Record, cpu_ms: float) -> None:
    if not record.took_ms:
        print(f"  {name:<34} no search has ended: take more --seconds", flush=True)
        return
    failed = sum(count for status, count in record.statuses.items() if status != 200)
    reasons = ", ".join(f"{count} {reason or 'complete'}" for reason, count in record.reasons.items())
    windows = "/".join(map(str, sorted(record.reranked)))
    number = len(record.took_ms)
    times = f"{statistics.median(record.took_ms):5.0f} {record.p99_ms():5.0f} {max(record.took_ms):5.0f} ms"
    print(
        f"  {name:<34} {times}, CPU {cpu_ms / number:4.1f} ms; {failed} of {number} failed; "
        f"{reasons or 'plain'}; reranked {windows or 'none'}",
        flush=True,
    )
