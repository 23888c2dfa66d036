"""Rows through a service: many at a time, written in their order."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path

from jrerank.assembly import running_service
from jrerank.bulk.answers import answer, model_of, unlimited
from jrerank.bulk.outputs.output import Line, Output, check_nothing_new, open_output
from jrerank.bulk.outputs.run_note import check_store, run_of
from jrerank.bulk.reading import ReadRow, read_ahead
from jrerank.bulk.report import BulkReport, Progress
from jrerank.bulk.sources.source import Source
from jrerank.bulk.tokenizers import Tokenizers, default_processes
from jrerank.doors.service import Service
from jrerank.settings import Settings

# So many pairs are read ahead of the writer: enough to keep every worker busy, a few megabytes of text
_PAIRS_AHEAD = 2_048
# Where processes tokenize, some of the pairs are with them
_PAIRS_AHEAD_OF_TOKENIZERS = 16_384
_WRITE_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class _Open:
    """A row that is being scored."""

    read: ReadRow
    answer: asyncio.Task[Line]


async def rerank_source(
    settings: Settings,
    source: Source,
    output_path: Path,
    store: str | None,
    progress: Progress,
    tokenizers: int | None = None,
) -> BulkReport:
    """Rerank every row; go on behind what `output_path` holds already.

    Args:
        tokenizers: how many processes tokenize ahead of the engine; None: some where a GPU scores.

    Raises:
        InvalidInput: the input cannot be read, or there is no such store, or the output is of another run.
        ConfigurationError: the model or the engine cannot be opened.
        Unavailable: a server with the rows does not answer.
    """
    check_store(store, settings)
    async with running_service(unlimited(settings)) as service:
        with (
            open_output(output_path, run_of(source, model_of(service), store)) as output,
            ExitStack() as stack,
        ):
            check_nothing_new(output, source, output_path)
            processes = default_processes(service.info) if tokenizers is None else tokenizers
            pool = Tokenizers(service.tokenization, processes) if processes else None
            if pool is not None:
                stack.callback(pool.close)
            return await _Run(service, output, store, progress, pool).rerank(source)


class _Run:
    def __init__(
        self,
        service: Service,
        output: Output,
        store: str | None,
        progress: Progress,
        tokenizers: Tokenizers | None,
    ) -> None:
        self._service, self._output, self._store, self._progress = service, output, store, progress
        self._tokenizers = tokenizers
        self._most_pairs = _PAIRS_AHEAD if tokenizers is None else _PAIRS_AHEAD_OF_TOKENIZERS
        self._report = BulkReport(output.done)
        self._open: deque[_Open] = deque()
        self._pairs_ahead = 0
        self._lines: list[Line] = []
        self._written_at = self._started = time.monotonic()

    async def rerank(self, source: Source) -> BulkReport:
        if not self._output.is_finished:
            rows = read_ahead(source, self._output.done, self._service.intake, self._store)
            async with aclosing(rows):
                async for some in rows:
                    await self._begin(some, source.size)
            while self._open:
                await self._close_first(source.size)
            self._write()
            self._output.finish()
        self._report.seconds = time.monotonic() - self._started
        self._progress(source.size, source.size, self._report)
        return self._report

    async def _begin(self, some: list[ReadRow], size: int) -> None:
        prepared = asyncio.create_task(self._prepare(some))
        for read in some:
            task = asyncio.create_task(self._answer(read, prepared))
            self._open.append(_Open(read, task))
            self._pairs_ahead += max(1, read.row.pairs)
            while self._open and (self._pairs_ahead > self._most_pairs or self._open[0].answer.done()):
                await self._close_first(size)

    async def _prepare(self, some: list[ReadRow]) -> None:
        if self._tokenizers is not None:
            await self._tokenizers.prepare([text for read in some for text in read.row.passages])

    async def _answer(self, read: ReadRow, prepared: asyncio.Task[None]) -> Line:
        await prepared
        return await answer(self._service, read.row, self._report)

    async def _close_first(self, size: int) -> None:
        """Wait for the oldest row, and write what is there once in a while."""
        first = self._open.popleft()
        self._pairs_ahead -= max(1, first.read.row.pairs)
        self._lines.append(await first.answer)
        self._report.rows += 1
        self._report.pairs += first.read.row.pairs
        if time.monotonic() - self._written_at > _WRITE_EVERY_S:
            self._write()
            self._report.seconds = time.monotonic() - self._started
            self._progress(first.read.source.position, size, self._report)

    def _write(self) -> None:
        self._output.append(self._lines)
        self._lines = []
        self._written_at = time.monotonic()
