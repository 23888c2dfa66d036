"""A row's line: the same from every run, on every machine."""

from __future__ import annotations

from jrerank.bulk.report import BulkReport
from jrerank.bulk.rows import BulkRow
from jrerank.domain import Outcome
from jrerank.doors.native import hits_answer, second_round
from jrerank.doors.service import Service
from jrerank.errors import InvalidInput
from jrerank.settings import Settings

_NO_LIMIT = 10**12


def unlimited(settings: Settings) -> Settings:
    """For a service whose rows are bounded by who reads them."""
    return settings.model_copy(update={"max_queued_tokens": _NO_LIMIT})


def model_of(service: Service) -> dict[str, str]:
    """What scores depend on, beside the rows."""
    second = service.info.second
    return {
        "model": service.info.fingerprint,
        "precision": service.info.precision,
        "max_tokens": str(service.info.max_tokens),
        **_window_tokens("window_tokens", service.info.window_tokens),
        **({"second_model": f"{second.fingerprint} {second.precision} {second.depth}"} if second else {}),
        **_window_tokens("second_window_tokens", second.window_tokens if second else None),
    }


def _window_tokens(name: str, tokens: int | None) -> dict[str, str]:
    return {name: str(tokens)} if tokens else {}


async def answer(service: Service, row: BulkRow, report: BulkReport) -> dict[str, object]:
    """What is written for a row; `report` counts it.

    Raises:
        Unavailable: the service is shutting down, which is no fault of the row's.
    """
    if isinstance(row.request, InvalidInput):
        return _wrong(row, row.request, report)
    try:
        ranking = await service.reranker.rerank(row.request)
    except InvalidInput as error:
        return _wrong(row, error, report)
    report.tokens += ranking.tokens
    report.incomplete_rows += ranking.outcome is not Outcome.COMPLETE
    content = hits_answer(ranking, service.info.model, 0.0)
    # No time, and nothing that the run's note says already
    told = {name: content[name] for name in ("outcome", "reason", "missing", "hits")}
    return {"id": row.id, **told, **second_round(ranking)}


def _wrong(row: BulkRow, error: InvalidInput, report: BulkReport) -> dict[str, object]:
    report.count_wrong(f"row {row.id}: {error}")
    return {"id": row.id, "error": str(error)}
