"""`demo`: the main job from end to end, on this machine alone."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.demo.asking import Asking
from jrerank.admin.demo.report import print_examples, print_figures
from jrerank.admin.options import plain_errors
from jrerank.errors import ConfigurationError, JrerankError

if TYPE_CHECKING:
    from jrerank.admin.demo.comparison import Answered
    from jrerank.evaluation.dataset import Dataset

# So few that two cores ask all 250 questions within the time: of 20 hits each they asked 180, too few to tell the gain from chance
_WINDOW = 10
_HYBRID_WINDOW = 20


class Engine(StrEnum):
    """Where the passages are searched."""

    POSTGRES = "postgres"
    OPENSEARCH = "opensearch"


def demo(
    questions: Annotated[int, typer.Option(min=1, help="how many to measure")] = 250,
    seconds: Annotated[float, typer.Option(min=0, help="how long to ask: a slow machine asks fewer")] = 75.0,
    model: Annotated[str, typer.Option(help="bundled, a folder or a hub id")] = "bundled",
    precision: Annotated[str, typer.Option(help="int8 or fp32")] = "int8",
    engine: Annotated[Engine, typer.Option(help="what searches")] = Engine.POSTGRES,
    hybrid: Annotated[
        bool, typer.Option("--hybrid", help="in PostgreSQL: BM25 and vectors, fused, then reranked")
    ] = False,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="in OpenSearch: node and sidecar run on until Ctrl-C, with a search to try"
        ),
    ] = False,
    html: Annotated[Path, typer.Option("--html", help="where the report goes", dir_okay=False)] = Path(
        "jrerank-demo.html"
    ),
) -> None:
    """Search 1,431 Japanese passages with BM25, rerank the hits, and measure the gain.

    In an embedded PostgreSQL, each question one statement: select * from jrerank.rerank(...), and over HTTP, which has to agree;
    or in an OpenSearch node of our own (Maven and Java are needed), with kuromoji, through its search pipeline with the plugin.

    Example: jrerank-admin demo --questions 100
    """
    if hybrid and engine is Engine.OPENSEARCH:
        raise typer.BadParameter("it is PostgreSQL's", param_hint="--hybrid")
    if keep and engine is not Engine.OPENSEARCH:
        raise typer.BadParameter("it needs --engine opensearch", param_hint="--keep")
    with plain_errors():
        try:
            if hybrid:
                _run_hybrid(Asking(questions, seconds), model, precision)
            elif engine is Engine.OPENSEARCH:
                _run_opensearch(Asking(questions, seconds), model, precision, html, keep)
            else:
                _run_postgres(Asking(questions, seconds), model, precision, html)
        except ImportError as error:
            extra = "demo-hybrid" if hybrid else "demo"
            raise ConfigurationError(f"{error.name} is needed: pip install 'jrerank[{extra}]'") from None


def _run_postgres(asking: Asking, model: str, precision: str, html: Path) -> None:
    from jrerank.admin.demo import postgres
    from jrerank.evaluation.dataset import load_dataset

    dataset = load_dataset()
    print(
        f"Loading {len(dataset.passages)} passages into an embedded PostgreSQL, starting the sidecar ({model}) ..."
    )
    asked = postgres.run(dataset, asking, model, precision, _WINDOW, fusion_weight(model))
    _print(asked.answered, dataset.passages)
    _say_what_is_left(asking, len(asked.answered), dataset)
    if asked.different:
        raise JrerankError(f"HTTP gave other orders for {asked.different} of {len(asked.answered)} questions")
    print(f"Over HTTP the same orders, hit by hit, for all {len(asked.answered)} questions.")
    _print_gain(asked.answered, dataset.passages, "PostgreSQL", html)


def fusion_weight(model: str) -> float:
    """What the model's own folder recommends, if it is linear; else what the model that ships recommends."""
    from jrerank.models.recommendation import recommended_fusion
    from jrerank.models.source import BUNDLED

    folders = [BUNDLED if model == "bundled" else Path(model), BUNDLED]
    recommended = [fusion for folder in folders if (fusion := recommended_fusion(folder)) is not None]
    return next(fusion.weight for fusion in recommended if fusion.method == "linear")


def _run_hybrid(asking: Asking, model: str, precision: str) -> None:
    from jrerank.admin.demo import hybrid
    from jrerank.admin.demo.hybrid_report import print_hybrid
    from jrerank.evaluation.dataset import load_dataset

    dataset = load_dataset()
    print(
        f"Loading {len(dataset.passages)} passages with vectors into an embedded PostgreSQL, starting the sidecar ({model}) ..."
    )
    measured = hybrid.run(dataset, asking, model, precision, _HYBRID_WINDOW)
    print_hybrid(measured, _HYBRID_WINDOW)
    _say_what_is_left(asking, len(measured.questions), dataset)
    print(hybrid.VECTORS)


def _run_opensearch(asking: Asking, model: str, precision: str, html: Path, keep: bool) -> None:
    from jrerank.admin.demo import opensearch
    from jrerank.evaluation.dataset import load_dataset

    dataset = load_dataset()
    print(
        f"Starting the sidecar ({model}) and an OpenSearch node with kuromoji and the plugin, "
        f"loading {len(dataset.passages)} passages ..."
    )
    weight = opensearch.weight_for_kuromoji(fusion_weight(model))
    with opensearch.asked(dataset, asking, model, precision, _WINDOW, weight) as asked:
        _print(asked.answered, dataset.passages)
        _say_what_is_left(asking, len(asked.answered), dataset)
        said = ", ".join(f"{count} {outcome}" for outcome, count in asked.outcomes.items())
        print(f"The plugin said of {asked.outcomes.total()} searches: {said}.")
        _print_gain(asked.answered, dataset.passages, "OpenSearch", html)
        if keep:
            print(asked.how_to_try(), flush=True)
            _wait_for_interrupt()


def _say_what_is_left(asking: Asking, asked: int, dataset: Dataset) -> None:
    wanted = min(asking.questions, len(dataset.questions))
    if asked < wanted:
        print(
            f"Time was up after {asked} of {wanted} questions: --seconds gives it longer than {asking.seconds:g}."
        )


def _wait_for_interrupt() -> None:
    stopped = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: stopped.set())
    stopped.wait()


def _print_gain(answered: Sequence[Answered], passages: Mapping[str, str], engine: str, html: Path) -> None:
    from jrerank.admin.demo.gain import gain_report, print_gain

    print_gain(gain_report(answered, passages, _WINDOW, engine), html)


def _print(answered: Sequence[Answered], passages: Mapping[str, str]) -> None:
    print_examples(answered, passages)
    print_figures(answered, _WINDOW, "with reranking")
