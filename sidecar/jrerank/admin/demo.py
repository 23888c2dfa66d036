"""`demo`: the main job from end to end, on this machine alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.options import plain_errors
from jrerank.admin.texts import plain
from jrerank.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.text import Text

    from jrerank.evaluation.compare import Answered

_WINDOW = 20
_SHOWN = 3
# Fitted on 1,771 questions of JaQuAD's dev set that the demo does not ask: from 0.3 to 0.8 nDCG@10 is within 0.002 of the best
# (0.9243 at 0.4; BM25 0.9148), and this is about the middle. The train set will not do: the model has seen its answers.
FUSION_WEIGHT = 0.6
_START_TIMEOUT_S = 120


def demo(
    questions: Annotated[int, typer.Option(min=1, help="how many to measure")] = 400,
    model: Annotated[str, typer.Option(help="bundled, a folder or a hub id")] = "bundled",
    precision: Annotated[str, typer.Option(help="int8 or fp32")] = "int8",
) -> None:
    """Search 1,431 Japanese passages with BM25 in an embedded PostgreSQL, rerank the hits over HTTP, and measure the gain.

    Example: jrerank-admin demo --questions 100
    """
    with plain_errors():
        try:
            answered = _run(questions, model, precision)
        except ImportError as error:
            raise ConfigurationError(f"{error.name} is needed: pip install 'jrerank[demo]'") from None
    _print_figures(answered)


def _run(questions: int, model: str, precision: str) -> list[Answered]:
    import httpx
    from rich.progress import track

    from jrerank.evaluation.compare import Sidecar, ask
    from jrerank.evaluation.dataset import load_dataset
    from jrerank.evaluation.first_stage import embedded_first_stage

    dataset = load_dataset()
    print(
        f"Loading {len(dataset.passages)} passages into an embedded PostgreSQL, starting the sidecar ({model}) ..."
    )
    with (
        embedded_first_stage(dataset.passages) as first_stage,
        running_sidecar(model, precision) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        sidecar = Sidecar(client)
        sample = dataset.sample(questions)
        answered = [
            ask(question, lambda query: first_stage.search(query, _WINDOW), sidecar, FUSION_WEIGHT)
            for question in track(sample, description="Asking", disable=not sys.stdout.isatty())
        ]
    _print_examples(answered, dataset.passages)
    return answered


@contextmanager
def running_sidecar(model: str, precision: str) -> Iterator[str]:
    """A sidecar of our own on a free port: its URL. It is stopped at the end.

    Raises:
        ConfigurationError: it did not start; the message is the sidecar's own.
    """
    command = [
        sys.executable,
        "-m",
        "jrerank.admin",
        "serve",
        "--port",
        "0",
        "--model",
        model,
        "--precision",
        precision,
    ]
    with tempfile.TemporaryDirectory(prefix="jrerank-demo-") as folder:
        log = Path(folder) / "sidecar.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command, stderr=stream, env={**os.environ, "JRERANK_LOG_FORMAT": "json"}
            )
        try:
            yield f"http://127.0.0.1:{_port(process, log)}"
        finally:
            process.terminate()
            process.wait()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        said = log.read_text()
        if found := re.search(
            r'"port": (\d+), "event": "listening"|"event": "listening".*"port": (\d+)', said
        ):
            return int(found.group(1) or found.group(2))
        if process.poll() is not None:
            raise ConfigurationError(f"the sidecar did not start: {said.strip()}")
        time.sleep(0.05)
    raise ConfigurationError(f"the sidecar did not listen within {_START_TIMEOUT_S} s")


def _print_examples(answered: Sequence[Answered], passages: Mapping[str, str]) -> None:
    """A few questions for which the order changed most for the better."""
    from rich.console import Console
    from rich.table import Table

    def gain(one: Answered) -> int:
        right = one.question.passage_id
        if right not in one.first_stage:
            return 0
        return one.first_stage.index(right) - one.fused.index(right)

    for one in sorted(answered, key=gain, reverse=True)[:_SHOWN]:
        table = Table("", "BM25", "reranked", title=plain(one.question.text), title_justify="left")
        for rank, ids in enumerate(zip(one.first_stage[:3], one.fused[:3], strict=True), start=1):
            table.add_row(str(rank), *(_shown(id, one.question.passage_id, passages[id]) for id in ids))
        Console().print(table)


def _shown(id: str, right: str, passage: str) -> Text:
    title, _, text = passage.partition("\n")
    mark = Text("✔ ", style="bold green") if id == right else Text()
    return mark + plain(f"{title}: {text[:28]}…")


def _print_figures(answered: Sequence[Answered]) -> None:
    from rich.console import Console
    from rich.table import Table

    from jrerank.evaluation.compare import figures

    table = Table("", "nDCG@10", "MRR@10", title=f"{len(answered)} questions, BM25's top {_WINDOW}")
    for name, lists in (
        ("BM25", [one.first_stage for one in answered]),
        ("reranker alone", [one.reranked for one in answered]),
        ("fusion of both", [one.fused for one in answered]),
    ):
        found = figures(zip(lists, (one.question.passage_id for one in answered), strict=True))
        table.add_row(name, f"{found.ndcg:.4f}", f"{found.reciprocal_rank:.4f}")
    Console().print(table)
    search_ms, rerank_ms = (
        1000 * sorted(times)[len(answered) // 2]
        for times in ([one.search_s for one in answered], [one.rerank_s for one in answered])
    )
    print(f"Median per question: search {search_ms:.1f} ms, rerank {rerank_ms:.1f} ms.")
