"""So many searches, half of them timing out: what the node holds before, halfway and after."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

from integration.opensearch.corpus import PASSAGE_FIELDS, QUERY, load
from integration.opensearch.fake import FakeSidecar
from integration.opensearch.search import Engine
from jrerank.admin.opensearch_node.jdk import find_jdk
from jrerank.admin.opensearch_node.node import Node

CLIENTS = 16
WINDOW = 10
TIMEOUT_MS = 40
WARM_SEARCHES = 10_000  # after which the node's pools are about as large as they get
QUIET_S = 40.0  # idle threads of the node's pools end after 30 s, and so do the plugin's idle connections

Reasons = Counter[str | None]


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a process holds: the heap after a full collection; threads in the node's pools, which have bounds, and others."""

    heap_mb: float
    resident_mb: float
    pool_threads: int
    other_threads: int
    sockets: int
    files: int


def main(searches: int) -> None:
    sidecar = FakeSidecar()
    sidecar.start()
    settings = {
        "jrerank.endpoint.main.urls": sidecar.url,
        "jrerank.endpoint.main.breaker.failures": 1_000_000_000,
    }
    try:
        with Node(settings=settings) as node, Engine(node.url) as engine:
            engine.put_pipeline("rerank", WINDOW, PASSAGE_FIELDS, endpoint="main", timeout_ms=TIMEOUT_MS)
            load(engine, "docs", kuromoji=True, default_pipeline="rerank")
            sidecar.behave("silent_half")
            _search(node.url, WARM_SEARCHES)
            _print("before", holdings(node, engine), Counter())
            for name in ("halfway", "after"):
                reasons, seconds = _search(node.url, searches // 2)
                _print(name, holdings(node, engine), reasons)
                print(f"           {searches // 2 / seconds:.0f} searches/s", flush=True)
    finally:
        sidecar.kill()


def holdings(node: Node, engine: Engine) -> Holdings:
    """Once nothing is under way any more."""
    time.sleep(QUIET_S)
    jdk = find_jdk(node.release.java, node.release.newest_java)
    for _ in range(2):  # the second takes what the first has only finalized
        subprocess.run(
            [str(jdk.home / "bin" / "jcmd"), str(node.pid), "GC.run"], check=True, capture_output=True
        )
    (stats,) = engine.http.get("_nodes/stats/jvm,thread_pool").json()["nodes"].values()
    pooled = sum(pool.get("threads", 0) for pool in stats["thread_pool"].values())
    process = Path(f"/proc/{node.pid}")
    # only the process's own user and root may look at its files; some are gone before they are read
    files = [_target(file) for file in (process / "fd").iterdir()]
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return Holdings(
        stats["jvm"]["mem"]["heap_used_in_bytes"] / 1e6,
        int(status["VmRSS"].split()[0]) / 1e3,
        pooled,
        stats["jvm"]["threads"]["count"] - pooled,
        sum(file.startswith("socket:") for file in files),
        len(files),
    )


def _target(file: Path) -> str:
    try:
        return str(file.readlink())
    except FileNotFoundError:
        return ""


def _search(url: str, searches: int) -> tuple[Reasons, float]:
    """Why they were not reranked (none: they were), and the seconds taken."""
    started = time.perf_counter()
    reasons: Reasons = Counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        for counted in pool.map(_search_alone, [url] * CLIENTS, _shares(searches)):
            reasons += counted
    return reasons, time.perf_counter() - started


def _shares(searches: int) -> list[int]:
    return [searches // CLIENTS + (client < searches % CLIENTS) for client in range(CLIENTS)]


def _search_alone(url: str, searches: int) -> Reasons:
    body = {"query": {"match": {"title": QUERY}}, "size": 1, "_source": False, "track_total_hits": False}
    reasons: Reasons = Counter()
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
        for _ in range(searches):
            answer = http.post("docs/_search", json=body)
            assert answer.status_code == 200, answer.text
            reasons[answer.json()["ext"]["jrerank"]["reason"]] += 1
    return reasons


def _print(name: str, held: Holdings, reasons: Reasons) -> None:
    said = ", ".join(f"{count} {reason or 'reranked'}" for reason, count in reasons.items())
    print(
        f"leak, {name:<8} heap {held.heap_mb:.1f} MB, resident {held.resident_mb:.0f} MB, "
        f"{held.pool_threads} pool threads, {held.other_threads} other threads, "
        f"{held.sockets} sockets, {held.files} open files; {said}",
        flush=True,
    )
