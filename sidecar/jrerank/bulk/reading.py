"""Rows are read in a thread, some of them ahead of who takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from dataclasses import dataclass

from jrerank.bulk.rows import BulkRow, read_row
from jrerank.bulk.sources.source import Done, Source, SourceRow
from jrerank.doors.intake import Intake

_ROWS_AT_ONCE = 64
_BYTES_AT_ONCE = 256 * 1024


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row of the source, and what it asks for."""

    source: SourceRow
    row: BulkRow


async def read_ahead(
    source: Source, done: Done, intake: Intake, store: str | None
) -> AsyncGenerator[list[ReadRow], None]:
    """Rows in their order, a few at a time: the next ones are being read meanwhile.

    Raises:
        InvalidInput, Unavailable: see `Source.rows`.
    """
    rows = iter(source.rows(done))
    following = asyncio.create_task(asyncio.to_thread(_some, rows, intake, store))
    try:
        while some := await following:
            following = asyncio.create_task(asyncio.to_thread(_some, rows, intake, store))
            yield some
    finally:
        with suppress(Exception):  # a thread cannot be given up: what it reads is nobody's any more
            await following
        await asyncio.to_thread(_close, rows)


def _some(rows: Iterator[SourceRow], intake: Intake, store: str | None) -> list[ReadRow]:
    read: list[ReadRow] = []
    size = 0
    for row in rows:
        read.append(ReadRow(row, read_row(row, intake, store)))
        size += len(row.text)
        if len(read) >= _ROWS_AT_ONCE or size >= _BYTES_AT_ONCE:
            break
    return read


def _close(rows: Iterator[SourceRow]) -> None:
    """Give cursors and files back now, and not when the iterator is collected."""
    close = getattr(rows, "close", None)
    if close is not None:
        close()
