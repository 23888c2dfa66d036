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
    from jrerank.settings import Settings

_TIMEOUT_S = 300


def given_answers(plan: Plan, live: LiveResults | None, runs: Sequence[str]) -> list[Answers]:
    """The first stage, live searches that rerank, and other systems' runs: nothing is scored for them.

    Raises:
        InvalidInput: a run can't be read.
    """
    from jrerank.bench.quality.evaluate import Answers
    from jrerank.bench.quality.run import first_stage
    from jrerank.evaluation.layouts.trec import read_run

    systems = [first_stage(plan, live.first.seconds if live else None)]
    for name, found in (live.reranked if live else {}).items():
        orders = {id: tuple(hit.id for hit in hits) for id, hits in found.hits.items()}
        systems.append(Answers(name, "as the search answered", orders, found.seconds))
    for name, path in (named(text, "run") for text in runs):
        hits = read_run(Path(path), {})
        if not hits.keys() & set(plan.collection.measurable):
            raise InvalidInput(
                f"--run {name}={path}: it has none of the queries that have labels", field="run"
            )
        systems.append(
            Answers(name, path, {id: tuple(hit.id for hit in found) for id, found in hits.items()})
        )
    return systems


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
        async with local_scorer(settings, name_of(settings)) as local:
            systems.append(await score(plan, local, file, progress))
    for text in urls:
        async with _remote(text, url_model) as remote:
            systems.append(await score(plan, remote, file, progress))
    return systems


def name_of(settings: Settings) -> str:
    """The model's last part, its precision, and its engine and graph where those aren't the usual ones."""
    unusual = [name for name in (settings.engine, settings.graph) if name in {"torch", "prebuilt"}]
    return " ".join([settings.model.rstrip("/").rpartition("/")[2], settings.precision, *unusual])


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
