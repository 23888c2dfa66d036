"""How a route of ours differs from FastAPI's: a bounded body, strict JSON, errors in the dialect that was spoken."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

import pydantic_core
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from jrerank.doors.http.asking import service_of
from jrerank.doors.http.auth import authorize
from jrerank.doors.http.dialects import Dialect, Fault, cohere, error_response, fault_of, native, openai, tei
from jrerank.errors import InputTooLong, JrerankError
from jrerank.telemetry import logger

_LOG = logger(__name__)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class BoundedRequest(Request):
    """Reads no more of a body than the limit allows, and JSON that is Unicode text."""

    async def body(self) -> bytes:
        """The body.

        Raises:
            InputTooLong: it is beyond the limit.
        """
        if not hasattr(self, "_body"):
            most = service_of(self).limits.body_bytes
            chunks, size = [], 0
            async for chunk in self.stream():
                chunks.append(chunk)
                size += len(chunk)
                if size > most:
                    raise InputTooLong(f"the body is larger than {most} bytes", field="body")
            self._body = b"".join(chunks)
        return self._body

    async def json(self) -> Any:
        """The parsed body: refuses lone surrogates and bottomless nesting, which Python's own parser lets through.

        Raises:
            json.JSONDecodeError: it is not JSON; FastAPI makes a validation error of that.
        """
        if not hasattr(self, "_json"):
            try:
                self._json = pydantic_core.from_json(await self.body(), allow_inf_nan=False)
            except ValueError as error:
                raise json.JSONDecodeError(str(error), "", 0) from error
        return self._json


class DialectRoute(APIRoute):
    """A route whose errors have the shape of `dialect_of(request)`."""

    needs_key = True

    @staticmethod
    def dialect_of(request: Request) -> Dialect:
        """Which dialect the caller speaks."""
        return native

    def get_route_handler(self) -> Handler:
        """Wrap the handler: known errors become answers."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            bounded = BoundedRequest(request.scope, request.receive)
            try:
                if self.needs_key:
                    authorize(bounded, service_of(bounded).keys)
                await bounded.body()
                return await handle(bounded)
            except JrerankError as error:
                fault = fault_of(error)
            except RequestValidationError as error:
                fault = validation_fault(error)
            if fault.status >= 500:
                _LOG.warning("request_failed", status=fault.status, reason=fault.message)
            return error_response(fault, self.dialect_of(bounded))

        return answer


class OpenRoute(DialectRoute):
    """A route that says nothing which needs a key: a load balancer has none."""

    needs_key = False


class CohereRoute(DialectRoute):
    """Cohere, Jina, Voyage, vLLM."""

    @staticmethod
    def dialect_of(request: Request) -> Dialect:
        """Cohere's."""
        return cohere


class OpenAiRoute(DialectRoute):
    """vLLM's score API."""

    @staticmethod
    def dialect_of(request: Request) -> Dialect:
        """OpenAI's."""
        return openai


class SharedRoute(DialectRoute):
    """`/rerank`, where a body with `texts` speaks TEI's dialect, and any other Cohere's."""

    @staticmethod
    def dialect_of(request: Request) -> Dialect:
        """TEI's or Cohere's, by what has been parsed."""
        parsed = getattr(request, "_json", None)
        return tei if isinstance(parsed, dict) and "texts" in parsed else cohere


def validation_fault(error: RequestValidationError) -> Fault:
    """The first thing that is wrong, by the name the caller gave it."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return Fault(400, "invalid_json", f"the body is not JSON: {first['ctx']['error']}")
    field = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
    return Fault(422, "invalid_input", f"{field}: {first['msg']}{_shown(first.get('input'))}", field)


def _shown(value: object) -> str:
    """A short value helps to find the mistake; a passage or a whole body does not belong into an error."""
    return f" (got {value!r})" if isinstance(value, (int, float, bool)) or value is None else ""
