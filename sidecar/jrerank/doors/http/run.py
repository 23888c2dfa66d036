"""A request's way through the reranker, and what every answer says in its headers."""

from __future__ import annotations

import asyncio
import json

from fastapi import Request, Response

from jrerank.domain import Ranking, RerankRequest
from jrerank.doors.http.asking import arrival_of, service_of
from jrerank.errors import Unavailable

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
    service.note(door, request, ranking, arrival_of(http))
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


async def _disconnected(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass
