"""`rerank`: one hit list from the shell, without a server."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from jrerank.admin.candidates import read_candidates
from jrerank.admin.options import (
    DeviceOption,
    EngineOption,
    ModelOption,
    PrecisionOption,
    RevisionOption,
    plain_errors,
)
from jrerank.admin.texts import json_line, plain
from jrerank.domain import Candidate, Outcome, RankedHit, Ranking, RerankRequest
from jrerank.errors import InvalidInput
from jrerank.settings import Settings

_AS_LONG_AS_IT_TAKES_MS = 86_400_000
_SHOWN_CHARS = 60


def rerank(
    query: Annotated[str, typer.Argument(help="what is searched for")],
    file: Annotated[
        Path | None, typer.Argument(help="one passage a line, JSONL or a JSON array; default: stdin")
    ] = None,
    top_n: Annotated[int | None, typer.Option(min=1, help="print this many")] = None,
    timeout_ms: Annotated[
        int | None, typer.Option(min=1, help="print what has been scored by then [default: wait]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSONL instead of a table")] = False,
    model: ModelOption = None,
    revision: RevisionOption = None,
    engine: EngineOption = None,
    device: DeviceOption = None,
    precision: PrecisionOption = None,
) -> None:
    """Rerank lines, or JSONL or a JSON array with `text` (and `id`, `score`), by a query.

    Example: jrerank-admin rerank "富士山の高さ" passages.txt --model bundled
    """
    from jrerank.telemetry import configure_logging

    configure_logging("warning", "console")
    with plain_errors():
        candidates = read_candidates(_lines(file))
        settings = Settings.load(
            model=model, revision=revision, engine=engine, device=device, precision=precision
        )
        ranking = asyncio.run(_rerank(settings, query, candidates, timeout_ms or _AS_LONG_AS_IT_TAKES_MS))
    hits = ranking.hits[:top_n]
    (_print_json if as_json else _print_table)(hits, candidates)
    if ranking.outcome is not Outcome.COMPLETE:
        scored = sum(hit.scored for hit in ranking.hits)
        sys.stderr.write(
            f"{ranking.outcome}: {scored} of {len(candidates)} passages were scored ({ranking.reason});"
            " the others follow in their old order\n"
        )


def _lines(file: Path | None) -> list[str]:
    """Split at line ends only: U+2028 and others that `splitlines` knows may stand in a passage."""
    try:
        raw = sys.stdin.buffer.read() if file is None else file.read_bytes()
        return raw.decode("utf-8-sig").split("\n")
    except OSError as error:
        raise InvalidInput(f"{file or 'stdin'} cannot be read: {error.strerror}", field="file") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{file or 'stdin'} is not UTF-8: {error.reason} at byte {error.start}", field="file"
        ) from None


async def _rerank(
    settings: Settings, query: str, candidates: tuple[Candidate, ...], timeout_ms: int
) -> Ranking:
    from jrerank.assembly import running_service

    async with running_service(settings) as service:
        deadline = time.monotonic() + timeout_ms / 1000
        return await service.reranker.rerank(RerankRequest(query, candidates, deadline=deadline))


def _print_json(hits: Sequence[RankedHit], candidates: Sequence[Candidate]) -> None:
    for hit in hits:
        line = {
            "id": hit.id,
            "score": hit.score,
            "first_rank": hit.index + 1,
            "first_score": hit.first_score,
            "text": candidates[hit.index].passage,
        }
        print(json_line(line, sys.stdout))


def _print_table(hits: Sequence[RankedHit], candidates: Sequence[Candidate]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("rank", "was", "score", "id", "text")
    for rank, hit in enumerate(hits, start=1):
        score = "" if hit.score is None else f"{hit.score:.4f}"
        texts = (hit.id, (candidates[hit.index].passage or "")[:_SHOWN_CHARS])
        table.add_row(str(rank), str(hit.index + 1), score, *map(plain, texts))
    Console().print(table)
