"""A row's line: the same from every run, on every machine."""

from __future__ import annotations

from jrerank.bulk.report import BulkReport
from jrerank.bulk.rows import BulkRow
from jrerank.bulk.sources.source import Source
from jrerank.domain import Outcome
from jrerank.doors.native import hits_answer
from jrerank.doors.service import Service
from jrerank.errors import JrerankError
from jrerank.settings import Settings

_NO_LIMIT = 10**12


def unlimited(settings: Settings) -> Settings:
    """For a service whose rows are bounded by who reads them."""
    return settings.model_copy(update={"max_queued_tokens": _NO_LIMIT})


def run_of(source: Source, service: Service) -> dict[str, str]:
    """What an output depends on."""
    return {
        "input": source.fingerprint,
        "model": service.info.fingerprint,
        "precision": service.info.precision,
        "max_tokens": str(service.info.max_tokens),
    }


async def answer(service: Service, row: BulkRow, report: BulkReport) -> dict[str, object]:
    """What is written for a row; `report` counts it."""
    if isinstance(row.request, JrerankError):
        return _wrong(row, row.request, report)
    try:
        ranking = await service.reranker.rerank(row.request)
    except JrerankError as error:
        return _wrong(row, error, report)
    report.tokens += ranking.tokens
    report.incomplete_rows += ranking.outcome is not Outcome.COMPLETE
    content = hits_answer(ranking, service.info.model, 0.0)
    # No time, and nothing that the run's note says already
    return {"id": row.id} | {name: content[name] for name in ("outcome", "reason", "missing", "hits")}


def _wrong(row: BulkRow, error: JrerankError, report: BulkReport) -> dict[str, object]:
    report.count_wrong(row.id, error)
    return {"id": row.id, "error": str(error)}
