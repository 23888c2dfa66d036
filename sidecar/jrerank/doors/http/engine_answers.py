"""An engine's reply as its own clients expect it."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from jrerank.doors.http.answers import OUTCOME_HEADER, json_response
from jrerank.doors.search.filter_path import filtered
from jrerank.doors.search.url_parameters import OutputParameters, flag
from jrerank.json_reader.text import WHOLE_BYTES
from jrerank.stores.search import EngineReply, SearchEngine

_ELASTIC_JSON = "application/vnd.elasticsearch+json"


async def engine_answer(
    http: Request, engine: SearchEngine, reply: EngineReply, parameters: OutputParameters
) -> Response:
    """The reply, with the parts and the look that its caller wants, and with what its client checks the product by."""
    response = await _written(http, reply, parameters)
    if engine.product == "elasticsearch":
        response.headers["X-elastic-product"] = "Elasticsearch"
        version = _compatible_with(http.headers.get("accept", ""))
        if version is not None and response.media_type == "application/json":
            response.headers["content-type"] = f"{_ELASTIC_JSON};compatible-with={version}"
    if http.method == "HEAD":
        return Response(status_code=reply.status, headers=dict(response.headers))
    return response


async def _written(http: Request, reply: EngineReply, parameters: OutputParameters) -> Response:
    if isinstance(reply.body, str):
        return Response(reply.body.encode(), reply.status, media_type="text/plain")
    outcome = _outcome(reply.body)
    headers = {} if outcome is None else {OUTCOME_HEADER: outcome}
    return await json_response(
        http,
        lambda: filtered(reply.body, parameters.filter_path),
        reply.status,
        headers,
        is_large=reply.size_bytes > WHOLE_BYTES,
        indent=2 if flag(parameters.pretty) else None,
    )


def _outcome(body: Any) -> str | None:
    """Of a reranked search; an engine may have put anything there."""
    ext = body.get("ext") if isinstance(body, dict) else None
    marker = ext.get("jrerank") if isinstance(ext, dict) else None
    outcome = marker.get("outcome") if isinstance(marker, dict) else None
    return outcome if isinstance(outcome, str) else None


def _compatible_with(accept: str) -> str | None:
    """The release of Elasticsearch whose media type a client asks for."""
    kind, _, rest = accept.partition(";")
    name, _, version = rest.strip().partition("=")
    is_known = kind.strip().lower() == _ELASTIC_JSON and name.lower() == "compatible-with"
    return version if is_known and version.isascii() and version.isdigit() else None
