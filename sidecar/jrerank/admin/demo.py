"""`demo`: the main job from end to end, on this machine alone."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.demo_report import print_examples, print_figures
from jrerank.admin.demo_sidecar import running_sidecar
from jrerank.admin.options import plain_errors
from jrerank.errors import ConfigurationError

if TYPE_CHECKING:
    from jrerank.evaluation.compare import Answered

_WINDOW = 20
# Fitted on 1,771 questions of JaQuAD's dev set that the demo does not ask: from 0.3 to 0.8 nDCG@10 is within 0.002 of the best
# (0.9243 at 0.4; BM25 0.9148), and this is about the middle. The train set will not do: the model has seen its answers.
FUSION_WEIGHT = 0.6


class Engine(StrEnum):
    """Where the passages are searched."""

    POSTGRES = "postgres"
    OPENSEARCH = "opensearch"


def demo(
    questions: Annotated[int, typer.Option(min=1, help="how many to measure")] = 400,
    model: Annotated[str, typer.Option(help="bundled, a folder or a hub id")] = "bundled",
    precision: Annotated[str, typer.Option(help="int8 or fp32")] = "int8",
    engine: Annotated[Engine, typer.Option(help="what searches")] = Engine.POSTGRES,
) -> None:
    """Search 1,431 Japanese passages with BM25, rerank the hits, and measure the gain.

    In an embedded PostgreSQL, with the hits reranked over HTTP; or in an OpenSearch node of our own (Maven and Java are needed),
    with kuromoji, through its search pipeline with the jrerank plugin.

    Example: jrerank-admin demo --questions 100
    """
    run = _run_opensearch if engine is Engine.OPENSEARCH else _run
    with plain_errors():
        try:
            answered = run(questions, model, precision)
        except ImportError as error:
            raise ConfigurationError(f"{error.name} is needed: pip install 'jrerank[demo]'") from None
    print_figures(answered, _WINDOW, "with reranking" if engine is Engine.OPENSEARCH else "rerank")


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
    print_examples(answered, dataset.passages)
    return answered


def _run_opensearch(questions: int, model: str, precision: str) -> list[Answered]:
    from jrerank.admin import demo_opensearch
    from jrerank.evaluation.dataset import load_dataset

    dataset = load_dataset()
    print(
        f"Starting the sidecar ({model}) and an OpenSearch node with kuromoji and the plugin, "
        f"loading {len(dataset.passages)} passages ..."
    )
    answered, outcomes = demo_opensearch.run(dataset, questions, model, precision, _WINDOW)
    print_examples(answered, dataset.passages)
    said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    print(f"The plugin said of {outcomes.total()} searches: {said}.")
    return answered
