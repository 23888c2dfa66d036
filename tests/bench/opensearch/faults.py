"""Sixteen clients search while the sidecar fails: nobody's search fails, and nobody waits long.

The circuit breaker is kept from opening, so that every one of the searches meets the fault.
"""

from __future__ import annotations

import time

from integration.opensearch.clients import CLIENTS, Clients, Record
from integration.opensearch.corpus import PASSAGE_FIELDS, load
from integration.opensearch.fake import FakeSidecar
from integration.opensearch.faults import FAULTS, Fault
from integration.opensearch.search import Engine
from jrerank.admin.opensearch_node.node import Node

TIMEOUT_MS = 300
ALLOWED_MS = TIMEOUT_MS + 50
SECONDS = 5
SETTLED_S = 0.5


def main() -> None:
    sidecar = FakeSidecar()
    sidecar.start()
    settings = {
        "jrerank.endpoint.main.urls": sidecar.url,
        "jrerank.endpoint.main.breaker.failures": 1_000_000,
    }
    try:
        with Node(settings=settings, jvm=()) as node, Engine(node.url) as engine:
            engine.put_pipeline("rerank", 100, PASSAGE_FIELDS, endpoint="main", timeout_ms=TIMEOUT_MS)
            load(engine, "docs", kuromoji=True, default_pipeline="rerank")
            print(f"faults, {CLIENTS} clients, timeout {TIMEOUT_MS} ms: p99 (allowed {ALLOWED_MS} ms)")
            with Clients(node.url, "rerank").searching() as clients:
                clients.warm_record()
                time.sleep(SECONDS)
                _print("none", clients.new_record())
                for name, (fault, cure, _) in FAULTS.items():
                    _print(name, _faulty(clients, sidecar, fault, cure))
    finally:
        sidecar.kill()


def _faulty(clients: Clients, sidecar: FakeSidecar, fault: Fault, cure: Fault) -> Record:
    fault(sidecar)
    time.sleep(SETTLED_S)  # what began before the fault is over
    clients.new_record()
    time.sleep(SECONDS)
    record = clients.new_record()
    cure(sidecar)
    clients.warm_record()
    return record


def _print(name: str, record: Record) -> None:
    failed = sum(count for status, count in record.statuses.items() if status != 200)
    said = ", ".join(f"{count} {reason or 'reranked'}" for reason, count in record.reasons.items())
    total = len(record.took_ms)
    print(
        f"  {name:<12} {record.p99_ms():6.0f} ms, {failed} of {total} searches failed; {said}",
        flush=True,
    )
