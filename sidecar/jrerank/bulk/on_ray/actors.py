"""What runs on the cluster's machines: actors that tokenize, and actors that score."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from jrerank import __version__
from jrerank.assembly import limits_of, load_checkpoint, running_service
from jrerank.bulk.answers import answer, model_of
from jrerank.bulk.on_ray.rows import SCORED, TOKENIZED, source_row
from jrerank.bulk.report import BulkReport
from jrerank.bulk.rows import read_row
from jrerank.bulk.tokenizers import IDS_AHEAD_BYTES, packed, unpacked
from jrerank.doors.intake import Intake
from jrerank.doors.service import Service
from jrerank.errors import ConfigurationError
from jrerank.settings import Settings
from jrerank.tokenization.slices import SLICE_CHARS
from jrerank.tokenization.text_tokenizer import TextTokenizer


@dataclass(frozen=True, slots=True)
class Model:
    """What all machines must agree on: `run` is in the output's note."""

    version: str
    run: dict[str, str]


async def model_of_cluster(settings: Settings) -> Model:
    """Open the service once, on a machine that scores: what it serves."""
    async with running_service(settings) as service:
        return Model(__version__, model_of(service))


class Tokenizer:
    """Adds the ids of a row's passages; of long ones, which are read in slices, it adds none."""

    def __init__(self, settings: Settings) -> None:
        self._intake = Intake(limits_of(settings), settings.timeout_ms)
        self._tokenizer = TextTokenizer(load_checkpoint(settings).tokenizer)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Rows of `READ` become rows of `TOKENIZED`."""
        rows = batch.to_pylist()
        for row in rows:
            passages = short(read_row(source_row(row), self._intake).passages)
            row["lengths"], row["ids"] = packed(self._tokenizer.ids(passages) if passages else [])
        return pa.Table.from_pylist(rows, TOKENIZED)


class Scorer:
    """A service as the sidecar's; several batches may be with it at a time, so that its engine never waits for the next one."""

    def __init__(self, settings: Settings, store: str | None, model: Model) -> None:
        self._store = store
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._until_the_end = AsyncExitStack()
        self._service: Service = self._run(self._until_the_end.enter_async_context(running_service(settings)))
        self._service.tokenization.id_cache.make_room(IDS_AHEAD_BYTES)
        here = Model(__version__, model_of(self._service))
        if here != model:
            raise ConfigurationError(
                f"the machines of the cluster differ: jrerank {here.version} with {here.run} on one,"
                f" {model.version} with {model.run} on another"
            )

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Rows of `TOKENIZED` become rows of `SCORED`."""
        return pa.Table.from_pylist(self._run(self._scored(batch.to_pylist())), SCORED)

    async def _scored(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return list(await asyncio.gather(*map(self._line, rows)))

    async def _line(self, fields: dict[str, Any]) -> dict[str, Any]:
        row, report = read_row(source_row(fields), self._service.intake, self._store), BulkReport()
        ids = unpacked(fields["lengths"], fields["ids"])
        self._service.tokenization.id_cache.put(short(row.passages), ids)
        line = await answer(self._service, row, report)
        return {
            "number": fields["number"],
            "line": json.dumps(line, ensure_ascii=False).encode("utf-8", "replace").decode(),
            "position": fields["position"],
            "pairs": row.pairs,
            "tokens": report.tokens,
            "incomplete": bool(report.incomplete_rows),
            "wrong": next(iter(report.wrong), None),
        }

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


def short(passages: list[str]) -> list[str]:
    """Those that are tokenized in one go, in their order."""
    return [passage for passage in passages if len(passage) <= SLICE_CHARS]
