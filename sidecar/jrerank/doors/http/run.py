"""A request's way through the reranker, and what every answer says in its headers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response

from jrerank.domain import Ranking, RerankRequest
from jrerank.doors.http.context import arrival_of, service_of
from jrerank.errors import Abandoned

Answered = TypeVar("Answered")
OUTCOME_HEADER = "x-jrerank-outcome"


async def rerank(http: Request, request: RerankRequest, door: str) -> Ranking:
    """Rerank for as long as the caller is there.

    Raises:
        Abandoned: the caller has gone; nobody reads this.
        JrerankError: as `Reranker.rerank` does.
    """
    service = service_of(http)
    ranking = await while_there(http, door, service.reranker.rerank(request))
    service.note(door, request, ranking, arrival_of(http))
    return ranking


async def while_there(http: Request, door: str, asked: Coroutine[Any, Any, Answered]) -> Answered:
    """What `asked` gives; it is cancelled when the caller hangs up.

    Raises:
        Abandoned: the caller has gone; nobody reads this.
    """
    work = asyncio.ensure_future(asked)
    gone = asyncio.ensure_future(_disconnected(http))
    try:
        await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            service_of(http).metrics.requests.labels(door, "abandoned").inc()
            raise Abandoned
        return await work
    finally:
        work.cancel()
        gone.cancel()


def answer(content: object, ranking: Ranking) -> Response:
    """JSON with the outcome in a header, for shapes that have no room for it."""
    headers = {OUTCOME_HEADER: ranking.outcome.value}
    if ranking.reason:
        headers["x-jrerank-reason"] = ranking.reason
    return json_response(content, 200, headers)


def json_response(content: object, status: int, headers: dict[str, str]) -> Response:
    """JSON as UTF-8, or in ASCII where a document of an engine holds half a surrogate pair."""
    try:
        body = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        body = json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
    return Response(body, status, headers, "application/json")


async def _disconnected(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass
