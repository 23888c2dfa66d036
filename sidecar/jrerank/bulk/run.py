"""Rows through a service: many at a time, written in their order."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jrerank.assembly import running_service
from jrerank.bulk.output import Output
from jrerank.bulk.requests import BulkRow, read_row
from jrerank.bulk.source import Source, SourceRow, fingerprint, open_source
from jrerank.domain import Outcome
from jrerank.doors.native import hits_answer
from jrerank.doors.service import Service
from jrerank.errors import JrerankError
from jrerank.settings import Settings

# So many pairs are read ahead of the writer: enough to keep every worker busy, a few megabytes of text
_PAIRS_AHEAD = 2_048
_WRITE_EVERY_S = 0.5
_NO_LIMIT = 10**12


@dataclass(slots=True)
class BulkReport:
    """What became of a run. `resumed_rows` had been done before."""

    resumed_rows: int = 0
    rows: int = 0
    pairs: int = 0
    tokens: int = 0
    wrong_rows: int = 0
    incomplete_rows: int = 0
    seconds: float = 0.0


Progress = Callable[[int, int, BulkReport], None]


@dataclass(frozen=True, slots=True)
class _Open:
    """A row that is being scored."""

    source: SourceRow
    row: BulkRow
    answer: asyncio.Task[dict[str, object]]


async def rerank_file(
    settings: Settings, source_path: Path, output_path: Path, store: str | None, progress: Progress
) -> BulkReport:
    """Rerank every row of a file; go on behind what `output_path` holds already.

    `progress` is called with the position, the size of the source, and the report so far.

    Raises:
        InvalidInput: the input cannot be read, or the output is of another run.
        ConfigurationError: the model or the engine cannot be opened.
    """
    source = open_source(source_path)
    unlimited = settings.model_copy(update={"max_queued_tokens": _NO_LIMIT})
    async with running_service(unlimited) as service:
        run = {
            "input": fingerprint(source_path),
            "model": service.info.fingerprint,
            "precision": service.info.precision,
            "max_tokens": str(service.info.max_tokens),
        }
        with Output(output_path, run) as output:
            return await _Run(service, output, store, progress).rerank(source)


class _Run:
    def __init__(self, service: Service, output: Output, store: str | None, progress: Progress) -> None:
        self._service, self._output, self._store, self._progress = service, output, store, progress
        self._report = BulkReport(resumed_rows=output.done_rows)
        self._open: deque[_Open] = deque()
        self._lines: list[dict[str, object]] = []
        self._written_at = self._started = time.monotonic()

    async def rerank(self, source: Source) -> BulkReport:
        pairs_ahead = 0
        for source_row in source.rows(self._output.done_rows):
            row = read_row(source_row, self._service.intake, self._store)
            self._open.append(_Open(source_row, row, asyncio.create_task(self._answer(row))))
            pairs_ahead += max(1, row.pairs)
            while pairs_ahead > _PAIRS_AHEAD or self._open[0].answer.done():
                pairs_ahead -= max(1, self._open[0].row.pairs)
                await self._close_first(source.size)
                if not self._open:
                    break
        while self._open:
            await self._close_first(source.size)
        self._write()
        self._report.seconds = time.monotonic() - self._started
        return self._report

    async def _answer(self, row: BulkRow) -> dict[str, object]:
        if isinstance(row.request, JrerankError):
            self._report.wrong_rows += 1
            return {"id": row.id, "error": str(row.request)}
        try:
            ranking = await self._service.reranker.rerank(row.request)
        except JrerankError as error:
            self._report.wrong_rows += 1
            return {"id": row.id, "error": str(error)}
        self._report.tokens += ranking.tokens
        self._report.incomplete_rows += ranking.outcome is not Outcome.COMPLETE
        answer = hits_answer(ranking, self._service.info.model, 0.0)
        # The same for every run: no time, and what the run's note says already
        return {"id": row.id} | {name: answer[name] for name in ("outcome", "reason", "missing", "hits")}

    async def _close_first(self, size: int) -> None:
        """Wait for the oldest row, and write what is there once in a while."""
        first = self._open.popleft()
        self._lines.append(await first.answer)
        self._report.rows += 1
        self._report.pairs += first.row.pairs
        if time.monotonic() - self._written_at > _WRITE_EVERY_S:
            self._write()
            self._report.seconds = time.monotonic() - self._started
            self._progress(first.source.position, size, self._report)

    def _write(self) -> None:
        self._output.append(self._lines)
        self._lines = []
        self._written_at = time.monotonic()
