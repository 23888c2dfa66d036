"""How an answer is written, and what every answer says in its headers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from jrerank.domain import Ranking
from jrerank.doors.http.context import name_of_caller, service_of, share_of
from jrerank.large_work import MANY_DOCUMENTS

OUTCOME_HEADER = "x-jrerank-outcome"
_PIECE_BYTES = 64 * 1024
_SLICE_ITEMS = 200


async def answer(http: Request, write: Callable[[], object], ranking: Ranking) -> Response:
    """JSON with headers for shapes that have no room for it: the outcome, how many passages were cut, and how many hits a second
    model has put in order.

    `write` makes the body; that of many hits is made beside the event loop.
    """
    headers = {OUTCOME_HEADER: ranking.outcome.value}
    if ranking.reason:
        headers["x-jrerank-reason"] = ranking.reason
    if ranking.truncated:
        headers["x-jrerank-truncated"] = str(ranking.truncated)
    if ranking.second_read is not None:
        headers["x-jrerank-second-read"] = str(ranking.second_read)
    return await json_response(http, write, 200, headers, is_large=len(ranking.hits) > MANY_DOCUMENTS)


async def json_response(
    http: Request,
    write: Callable[[], object],
    status: int,
    headers: dict[str, str],
    *,
    is_large: bool,
    indent: int | None = None,
) -> Response:
    """What `write` makes, as JSON in UTF-8, on one line or indented by so many spaces. It counts among the open bodies until it
    is out."""
    service = service_of(http)
    await service.turns.answer(name_of_caller(http))
    body = await service.large.answer_if(is_large, lambda: json_bytes(write(), indent))
    share_of(http).hold(len(body))
    return PiecewiseResponse(body, status, headers, "application/json")


class PiecewiseResponse(Response):
    """Waits for the client to read what has been sent, so that it is known how long an answer is held."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, then the body."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = self.body
        for begin in range(0, len(body), _PIECE_BYTES):
            piece = body[begin : begin + _PIECE_BYTES]
            more = begin + _PIECE_BYTES < len(body)
            await send({"type": "http.response.body", "body": piece, "more_body": more})


def json_bytes(content: object, indent: int | None = None) -> bytes:
    """JSON as UTF-8.

    Documents come back as they came: in ASCII where one of an engine's holds half a surrogate pair, and with null for a number that
    was too large for a double, which JSON has no word for.
    """
    try:
        return _written(content, indent, ensure_ascii=False)
    except UnicodeEncodeError:
        return _written(content, indent, ensure_ascii=True)
    except ValueError:
        return _written(_finite(content), indent, ensure_ascii=False)


def _written(content: Any, indent: int | None, *, ensure_ascii: bool) -> bytes:
    """The encoder holds the interpreter's lock: a long list is written slice by slice; with indents Python writes itself."""
    if indent is not None:
        text = json.dumps(
            content, ensure_ascii=ensure_ascii, allow_nan=False, indent=indent, separators=(",", " : ")
        )
        return text.encode() + b"\n"
    encoder = json.JSONEncoder(ensure_ascii=ensure_ascii, allow_nan=False, separators=(",", ":"))
    if isinstance(content, dict) and any(_is_long(value) for value in content.values()):
        items = (
            encoder.encode(key).encode() + b":" + _list(encoder, value) for key, value in content.items()
        )
        return b"{" + b",".join(items) + b"}"
    return _list(encoder, content)


def _list(encoder: json.JSONEncoder, content: Any) -> bytes:
    if not _is_long(content):
        return encoder.encode(content).encode()
    slices = (content[begin : begin + _SLICE_ITEMS] for begin in range(0, len(content), _SLICE_ITEMS))
    return b"[" + b",".join(encoder.encode(part)[1:-1].encode() for part in slices) + b"]"


def _is_long(value: object) -> bool:
    return isinstance(value, list) and len(value) > _SLICE_ITEMS


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
