"""Everything in one run, so that the figures are comparable: `python -m bench` (from `make bench`)."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np

from bench import peers, quality
from bench.timing import best_of
from bench.workload import Workload, make_workload
from jrerank.engines.open import open_engine
from jrerank.models.source import open_checkpoint
from jrerank.scheduling.texts import pair_texts, read_texts
from jrerank.settings import Settings
from jrerank.tokenization.windows import Reading, Tokenization, Windows
from sidecars import running_sidecar

MODEL = "random:xsmall-v2"


def sidecar_seconds(url: str, work: Workload, runs: int) -> float:
    with httpx.Client(base_url=url, timeout=120) as client:
        body = {"query": work.query, "documents": work.passages}

        def run() -> None:
            answer = client.post("/v1/rerank", json=body)
            assert answer.headers["x-jrerank-outcome"] == "complete", answer.text

        return best_of(runs, run)


def engine_seconds(work: Workload, runs: int) -> float:
    """The same pairs already tokenized, by the engine alone: what HTTP, JSON and tokenizing come on top of."""
    settings = Settings.load(model=MODEL)
    checkpoint = open_checkpoint(MODEL)
    engine = open_engine(settings, checkpoint).engine
    tokenization = Tokenization(checkpoint, settings.max_tokens)
    texts = pair_texts(tokenization, work.query, work.passages, Reading())
    windows = [
        window
        for read in read_texts(tokenization, texts)
        if isinstance(read, Windows)
        for window in read.windows
    ]
    with ThreadPoolExecutor(engine.workers) as pool:

        def run() -> None:
            list(pool.map(lambda window: engine.score([window]), windows))

        return best_of(runs, run)


def deadline_ms(url: str, passages: list[str]) -> tuple[float, int]:
    """Slowest of 8 clients with 1,000 documents and 300 ms each; and the shortest scored head."""

    def ask(number: int) -> tuple[float, int]:
        documents = [f"{number} {i} {passages[i % len(passages)]}" for i in range(1000)]
        hits = [{"id": str(i), "text": text} for i, text in enumerate(documents)]
        body = {"query": f"{number}", "hits": hits, "timeout_ms": 300}
        with httpx.Client(base_url=url, timeout=60) as client:
            client.get("/health")
            started = time.perf_counter()
            answer = client.post("/v1/hits", json=body)
            took_ms = (time.perf_counter() - started) * 1000
        content = answer.json()
        if answer.status_code == 429:  # refused at once: nothing of it would have been scored
            return took_ms, 0
        assert len(content["hits"]) == 1000, content
        return took_ms, sum(hit["scored"] for hit in content["hits"])

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    return max(took for took, _ in answers), min(scored for _, scored in answers)


def fairness(url: str, passages: list[str]) -> tuple[float, float]:
    """Seconds for 20 documents on an idle sidecar, and while 1,000 others are being scored."""

    def ask(query: str, documents: list[str]) -> float:
        started = time.perf_counter()
        httpx.post(
            f"{url}/v1/rerank", json={"query": query, "documents": documents}, timeout=120
        ).raise_for_status()
        return time.perf_counter() - started

    idle = min(ask(f"idle {i}", passages[:20]) for i in range(3))
    with ThreadPoolExecutor(1) as pool:
        big = pool.submit(ask, "big", [f"{i} {passages[i % len(passages)]}" for i in range(1000)])
        time.sleep(1.0)
        busy = sorted(ask(f"busy {i}", passages[:20]) for i in range(3))[1]
        big.result()
    return idle, busy


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def memory(url: str, pid: int, passages: list[str], requests: int) -> list[int]:
    """Resident megabytes after each tenth of so many requests of 1 to 3 documents."""
    generator, sizes = np.random.default_rng(1), []
    with httpx.Client(base_url=url, timeout=60) as client:
        for number in range(1, requests + 1):
            chosen = [passages[int(i)] for i in generator.integers(0, len(passages), 1 + number % 3)]
            client.post("/v1/rerank", json={"query": str(number), "documents": chosen}).raise_for_status()
            if number % (requests // 10) == 0:
                sizes.append(round(resident_mb(pid)))
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--requests", type=int, default=10_000, help="for the memory figure")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--questions", type=int, default=400, help="for the quality figures")
    options = parser.parse_args()
    work = make_workload(open_checkpoint(MODEL).tokenizer)
    print(
        f"100 pairs, mean {np.mean(work.lengths):.0f} tokens, longest {max(work.lengths)}; {MODEL}",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_sidecar(folder, MODEL, cache_bytes="0") as sidecar:
            ours = sidecar_seconds(sidecar.url, work, options.runs)
            print(f"jrerank int8 over HTTP      {ours:7.3f} s", flush=True)
        alone = engine_seconds(work, options.runs)
        print(
            f"engine alone, tokenized     {alone:7.3f} s, overhead {100 * (ours / alone - 1):.1f} %",
            flush=True,
        )
        for label, seconds in peers.measured(folder, work, options.runs):
            print(f"{label:<27} {seconds:7.3f} s  {seconds / ours:5.2f}x", flush=True)
        with running_sidecar(folder, MODEL, cache_bytes="0") as sidecar:
            slowest, head = deadline_ms(sidecar.url, work.passages)
            print(
                f"deadline 300 ms, 8 x 1,000 documents: slowest {slowest:.0f} ms, shortest head {head}",
                flush=True,
            )
            idle, busy = fairness(sidecar.url, work.passages)
            print(
                f"20 documents: idle {idle:.3f} s, beside 1,000: {busy:.3f} s ({busy / idle:.2f}x)",
                flush=True,
            )
        with running_sidecar(folder, MODEL) as sidecar:
            sizes = memory(sidecar.url, sidecar.process.pid, work.passages, options.requests)
            print(f"resident MB over {options.requests} requests: {sizes}", flush=True)
        for label, found in quality.measured(folder, options.questions).items():
            print(f"{label:<4} nDCG@10 {found.ndcg:.4f}  MRR@10 {found.reciprocal_rank:.4f}", flush=True)


if __name__ == "__main__":
    main()
