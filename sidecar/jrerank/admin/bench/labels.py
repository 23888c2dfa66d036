"""`bench labels`: a label set of one's own."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.bench.addresses import named
from jrerank.admin.bench.data import DataOptions, open_data
from jrerank.admin.bench.judging import TerminalJudge
from jrerank.admin.bench.output import writable
from jrerank.admin.bench.progress import Progress
from jrerank.admin.bench.systems import scored_answers
from jrerank.admin.options import plain_errors
from jrerank.errors import InvalidInput
from jrerank.settings import Settings

if TYPE_CHECKING:
    from jrerank.bench.labels.session import Judged
    from jrerank.evaluation.collection import Collection


def labels(
    file: Annotated[
        Path, typer.Argument(help="JSONL to write, or to go on with; `bench quality --labels` reads it")
    ],
    clicks: Annotated[
        Path | None,
        typer.Option(help="a click log, JSONL with query, id, position, clicked: labels without asking"),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="JSONL with query and hits, each with id and text")
    ] = None,
    passages: Annotated[
        Path | None, typer.Option(help="JSONL with id and text, where hits have none")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="a model whose first hits are judged too; may be repeated")
    ] = None,
    run: Annotated[
        list[str] | None, typer.Option(help="another system's TREC run as NAME=FILE; may be repeated")
    ] = None,
    queries: Annotated[int, typer.Option(min=1, help="so many, evenly spread")] = 50,
    depth: Annotated[int, typer.Option(min=1, help="the first hits of each system are judged")] = 5,
    least_shown: Annotated[
        int, typer.Option(min=1, help="with --clicks: leave out what was shown less often")
    ] = 5,
) -> None:
    """Make labels from a click log, or by asking you about the first hits of several systems. Stop and go on when you like.

    Example: jrerank-admin bench labels labels.jsonl --data queries.jsonl --model bundled
    """
    with plain_errors():
        _check_file(file, data, passages, clicks)
        if clicks is not None:
            _from_clicks(clicks, file, least_shown)
            return
        if data is None:
            raise InvalidInput("either --clicks or --data is needed", field="data")
        collection = _sample(open_data(DataOptions("jsonl", data, passages=passages)), queries)
        if not collection.queries:
            raise InvalidInput(f"{data}: no query has hits to judge", field="data")
        judged = _ask_about(collection, file, model or [], run or [], depth)
    state = "stopped" if judged.stopped else "done"
    print(f"{state}: {judged.queries} queries judged, {judged.labels} labels written to {file}")
    if judged.stopped:
        print("the same command goes on from here")
    if file.exists():
        print(f"measure with: {_measuring(data, passages, file)}")


def _measuring(data: Path, passages: Path | None, file: Path) -> str:
    """The command that reads the labels, as a shell takes it."""
    texts = ("--passages", str(passages)) if passages else ()
    command = ["jrerank-admin", "bench", "quality", "--layout", "jsonl", "--data", str(data), *texts]
    return shlex.join([*command, "--labels", str(file), "--model", "bundled"])


def _check_file(file: Path, *read: Path | None) -> None:
    """Before anybody has judged anything."""
    writable(file, "file")
    if file.is_dir() or file.absolute() in {path.absolute() for path in read if path is not None}:
        raise InvalidInput(f"{file}: labels are added to the file, it must be one of its own", field="file")


def _from_clicks(clicks: Path, file: Path, least_shown: int) -> None:
    from jrerank.bench.labels.clicks import labels_from_clicks, read_clicks
    from jrerank.bench.labels.session import append_labels

    found = labels_from_clicks(read_clicks(clicks), least_shown)
    append_labels(file, found)
    relevant = sum(label.gain > 0 for label in found)
    print(
        f"{len({label.query for label in found})} queries, {relevant} of {len(found)} pairs relevant, written to {file}"
    )


def _sample(collection: Collection, queries: int) -> Collection:
    """Of all queries with hits: none has labels yet."""
    ids = [id for id in collection.queries if collection.hits.get(id)]
    count = min(queries, len(ids))
    return collection.only(ids[i * len(ids) // count] for i in range(count))


def _ask_about(collection: Collection, file: Path, models: list[str], runs: list[str], depth: int) -> Judged:
    from jrerank.bench.labels.pool import pools
    from jrerank.bench.labels.session import session
    from jrerank.evaluation.layouts.trec import read_run

    lists: list[Mapping[str, Sequence[str]]] = [
        {id: [hit.id for hit in collection.hits[id]] for id in collection.queries},
        *_reranked(collection, models, file),
        *(
            {id: [hit.id for hit in hits] for id, hits in read_run(Path(named(text, "run")[1]), {}).items()}
            for text in runs
        ),
    ]
    texts = _texts(collection)
    pooled = pools(collection.queries, lists, depth)
    shown = {query: [id for id in ids if id in texts] for query, ids in pooled.items()}
    if bare := sum(len(ids) - len(shown[query]) for query, ids in pooled.items()):
        print(f"{bare} hits have no text and are left out: --passages gives it to them")
    return session(shown, collection.queries, texts, file, TerminalJudge())


def _texts(collection: Collection) -> dict[str, str]:
    """By id, of the passages and of all hits, as another query's hit is a run's too; nobody can judge an id."""
    hits = {hit.id: hit.passage or "" for id in collection.hits for hit in collection.hits[id]}
    known = {**collection.passages, **{id: text for id, text in hits.items() if text.strip()}}
    return {id: text for id, text in known.items() if text.strip()}


def _reranked(collection: Collection, models: list[str], file: Path) -> list[Mapping[str, Sequence[str]]]:
    """Scores are kept beside the labels: who goes on judging doesn't wait for them again."""
    from jrerank.bench.quality.run import Plan
    from jrerank.bench.quality.scores import ScoreFile
    from jrerank.evaluation.measures import Measure
    from jrerank.telemetry import configure_logging

    if not models:
        return []
    configure_logging("error", "console")
    # every query counts as measurable, so that it is scored
    judged = {id: {"": 1} for id in collection.queries}
    plan = Plan(collection.with_labels(judged), [Measure("nDCG", 10)], depth=50)
    settings = [Settings.load(model=model) for model in models]
    scores = ScoreFile.open(file.with_name(f"{file.name}.scores"))
    with Progress() as progress:
        answers = asyncio.run(scored_answers(plan, settings, (), None, scores, progress))
    return [one.orders for one in answers]
