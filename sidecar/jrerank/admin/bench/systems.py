"""The options that name systems, and asking them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jrerank.admin.bench.addresses import endpoint, named
from jrerank.errors import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from jrerank.admin.bench.live_sources import LiveResults
    from jrerank.admin.bench.progress import Progress
    from jrerank.bench.quality.evaluate import Answers
    from jrerank.bench.quality.run import Plan
    from jrerank.bench.quality.scorers import RemoteScorer
    from jrerank.bench.quality.scores import ScoreFile
    from jrerank.evaluation.collection import Hits
    from jrerank.settings import Settings

_TIMEOUT_S = 300


def given_answers(plan: Plan, live: LiveResults | None, runs: Sequence[str]) -> list[Answers]:
    """The first stage, live searches that rerank, and other systems' runs: nothing is scored for them.

    All are cut to the same depth, as a measure without a cutoff would favour the longer lists.

    Raises:
        InvalidInput: a run can't be read.
    """
    from jrerank.bench.quality.run import first_stage

    systems = [first_stage(plan, live.first.seconds if live else None)]
    systems += _live_answers(plan, live) if live else []
    return systems + [_run_answers(plan, *named(text, "run")) for text in runs]


def _live_answers(plan: Plan, live: LiveResults) -> list[Answers]:
    from jrerank.bench.quality.evaluate import Answers

    return [
        Answers(
            name,
            "as the search answered",
            _orders(found.hits, plan.depth),
            found.seconds,
            notes=(live.notes[name],) if name in live.notes else (),
        )
        for name, found in live.reranked.items()
    ]


def _run_answers(plan: Plan, name: str, path: str) -> Answers:
    from jrerank.bench.quality.evaluate import Answers
    from jrerank.evaluation.layouts.trec import read_run

    hits, measured = read_run(Path(path), {}), plan.collection.measurable
    missing = sum(id not in hits for id in measured)
    if missing == len(measured):
        raise InvalidInput(f"--run {name}={path}: it has none of the queries that have labels", field="run")
    note = f"{name} has no list for {missing} of {len(measured)} queries, which count 0"
    return Answers(name, path, _orders(hits, plan.depth), notes=(note,) if missing else ())


def _orders(hits: Hits, depth: int) -> dict[str, tuple[str, ...]]:
    return {id: tuple(hit.id for hit in found[:depth]) for id, found in hits.items()}


async def scored_answers(
    plan: Plan,
    models: Sequence[Settings],
    urls: Sequence[str],
    url_model: str | None,
    file: ScoreFile,
    progress: Progress,
) -> list[Answers]:
    """Each model and each endpoint, one after the other, so that one's work isn't in another's times.

    Raises:
        JrerankError: a model can't be served, or an endpoint doesn't answer.
    """
    from jrerank.bench.quality.run import score
    from jrerank.bench.quality.scorers import local_scorer

    systems = []
    for settings in models:
        async with local_scorer(settings) as local:
            systems.append(await score(plan, local, file, progress))
    for text in urls:
        async with _remote(text, url_model) as remote:
            systems.append(await score(plan, remote, file, progress))
    return systems


@asynccontextmanager
async def _remote(text: str, model: str | None) -> AsyncIterator[RemoteScorer]:
    try:
        import httpx
    except ImportError:
        raise ConfigurationError("httpx is needed: pip install 'jrerank[bench]'") from None
    from jrerank.bench.quality.scorers import RemoteScorer

    dialect, url = endpoint(text)
    async with httpx.AsyncClient(timeout=_TIMEOUT_S, headers=_key()) as client:
        yield RemoteScorer(f"{httpx.URL(url).netloc.decode()} {dialect}", url, dialect, model, client)


def _key() -> dict[str, str]:
    """The endpoint's key stands in the environment: a command line is seen by everybody on the machine."""
    import os

    key = os.environ.get("JRERANK_BENCH_API_KEY")
    return {"authorization": f"Bearer {key}"} if key else {}
