"""A request's way through the reranker, and what every answer says in its headers."""

from __future__ import annotations

import asyncio
import json
import time

from fastapi import Request, Response

from jrerank.domain import Ranking, RerankRequest
from jrerank.doors.http.service import arrival_of, service_of
from jrerank.errors import Unavailable
from jrerank.telemetry import logger

_LOG = logger(__name__)
OUTCOME_HEADER = "x-jrerank-outcome"


async def rerank(http: Request, request: RerankRequest, door: str) -> Ranking:
    """Rerank for as long as the caller is there.

    Raises:
        Unavailable: the caller has gone; nobody reads this.
        JrerankError: as `Reranker.rerank` does.
    """
    service = service_of(http)
    work = asyncio.ensure_future(service.reranker.rerank(request))
    gone = asyncio.ensure_future(_disconnected(http))
    try:
        await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            service.metrics.requests.labels(door, "abandoned").inc()
            raise Unavailable("the caller has gone")
        ranking = await work
    finally:
        work.cancel()
        gone.cancel()
    _observe(http, request, ranking, door)
    return ranking


def answer(content: object, ranking: Ranking) -> Response:
    """JSON with the outcome in a header, for shapes that have no room for it."""
    headers = {OUTCOME_HEADER: ranking.outcome.value}
    if ranking.reason:
        headers["x-jrerank-reason"] = ranking.reason
    return Response(
        json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(),
        200,
        headers,
        "application/json",
    )


def _observe(http: Request, request: RerankRequest, ranking: Ranking, door: str) -> None:
    took_s = time.monotonic() - arrival_of(http)
    metrics = service_of(http).metrics
    metrics.requests.labels(door, ranking.outcome.value).inc()
    metrics.request_seconds.labels(door).observe(took_s)
    metrics.documents.observe(len(request.candidates))
    _LOG.info(
        "reranked",
        door=door,
        documents=len(request.candidates),
        outcome=ranking.outcome.value,
        reason=ranking.reason,
        tokens=ranking.tokens,
        took_ms=round(took_s * 1000, 1),
    )


async def _disconnected(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass
