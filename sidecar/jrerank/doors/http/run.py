"""A request's way through the reranker, and what every answer says in its headers."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar

from fastapi import Request, Response

from jrerank.domain import Ranking
from jrerank.doors.http.context import service_of
from jrerank.errors import Abandoned

Answered = TypeVar("Answered")
OUTCOME_HEADER = "x-jrerank-outcome"


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
    """JSON with the outcome in headers, and how many passages were cut, for shapes that have no room for it."""
    headers = {OUTCOME_HEADER: ranking.outcome.value}
    if ranking.reason:
        headers["x-jrerank-reason"] = ranking.reason
    if ranking.truncated:
        headers["x-jrerank-truncated"] = str(ranking.truncated)
    return json_response(content, 200, headers)


def json_response(content: object, status: int, headers: dict[str, str]) -> Response:
    """JSON as UTF-8.

    Documents come back as they came: in ASCII where one of an engine's holds half a surrogate pair, and with null for a number that
    was too large for a double, which JSON has no word for.
    """
    written = partial(json.dumps, allow_nan=False, separators=(",", ":"))
    try:
        body = written(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        body = written(content).encode()
    except ValueError:
        body = written(_finite(content)).encode()
    return Response(body, status, headers, "application/json")


def _finite(content: Any) -> Any:
    match content:
        case float():
            return content if math.isfinite(content) else None
        case dict():
            return {key: _finite(value) for key, value in content.items()}
        case list() | tuple():
            return [_finite(value) for value in content]
        case _:
            return content


async def _disconnected(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass
