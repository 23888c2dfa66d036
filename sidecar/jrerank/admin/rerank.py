"""`rerank`: one hit list from the shell, without a server."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from jrerank.admin.options import ModelOption, PrecisionOption, RevisionOption, plain_errors
from jrerank.domain import Candidate, Ranking, RerankRequest
from jrerank.errors import InvalidInput
from jrerank.settings import Settings


def rerank(
    query: Annotated[str, typer.Argument(help="what is searched for")],
    file: Annotated[Path | None, typer.Argument(help="one passage a line, or JSONL; default: stdin")] = None,
    top_n: Annotated[int | None, typer.Option(min=1, help="print this many")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSONL instead of a table")] = False,
    model: ModelOption = None,
    revision: RevisionOption = None,
    precision: PrecisionOption = None,
) -> None:
    """Rerank lines, or JSONL with `text` (and `id`, `score`), by a query.

    Example: jrerank-admin rerank "富士山の高さ" passages.txt --model bundled
    """
    from jrerank.telemetry import configure_logging

    configure_logging("warning", "console")
    with plain_errors():
        candidates = read_candidates(_lines(file))
        settings = Settings.load(model=model, revision=revision, precision=precision)
        ranking = asyncio.run(_rerank(settings, RerankRequest(query, candidates, top_n=top_n)))
    _print(ranking, {candidate.id: candidate.passage or "" for candidate in candidates}, as_json)


def read_candidates(lines: Iterable[str]) -> tuple[Candidate, ...]:
    """Candidates from lines of text, or from JSONL if the first line is a JSON object.

    Raises:
        InvalidInput: a line of JSONL has no `text`, or a wrong type; `field` names the line.
    """
    kept = [line.rstrip("\n") for line in lines if line.strip()]
    if kept and kept[0].lstrip().startswith("{"):
        return tuple(_from_json(number, line) for number, line in enumerate(kept, start=1))
    return tuple(Candidate(str(number), line) for number, line in enumerate(kept, start=1))


def _from_json(number: int, line: str) -> Candidate:
    try:
        content: dict[str, Any] = json.loads(line)
        text, score = content["text"], content.get("score")
        if not isinstance(text, str) or not isinstance(score, (int, float, type(None))):
            raise TypeError("`text` must be a string and `score` a number")
        return Candidate(str(content.get("id", number)), text, score)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"line {number} is not a JSON object with `text`: {error}", field=f"line {number}"
        ) from None


def _lines(file: Path | None) -> list[str]:
    try:
        if file is None:
            return sys.stdin.read().splitlines()
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file or 'stdin'} cannot be read: {error}", field="file") from None


async def _rerank(settings: Settings, request: RerankRequest) -> Ranking:
    from jrerank.assembly import running_service

    async with running_service(settings) as service:
        return await service.reranker.rerank(request)


def _print(ranking: Ranking, texts: dict[str, str], as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    if as_json:
        for hit in ranking.hits:
            line = {"id": hit.id, "score": hit.score, "first_rank": hit.index + 1, "text": texts[hit.id]}
            print(json.dumps(line, ensure_ascii=False))
        return
    table = Table("rank", "was", "score", "id", "text")
    for rank, hit in enumerate(ranking.hits, start=1):
        score = "" if hit.score is None else f"{hit.score:.4f}"
        table.add_row(str(rank), str(hit.index + 1), score, hit.id, texts[hit.id][:60])
    Console().print(table)
