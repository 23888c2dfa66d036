"""How a route of ours differs from FastAPI's: a bounded body, strict JSON, errors in the dialect that was spoken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pydantic_core
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from jrerank.doors.bodies import Share
from jrerank.doors.http.auth import authorize
from jrerank.doors.http.context import service_of
from jrerank.doors.http.dialects import Dialect, Fault, cohere, error_response, fault_of, native, openai, tei
from jrerank.errors import Abandoned, InputTooLong, JrerankError, TooSlow
from jrerank.telemetry import logger

_LOG = logger(__name__)
_SHAPES = {"str", "a body with documents", "a body with texts"}
NOT_JSON = Fault("not_json", "send the body as JSON, with the header content-type: application/json")
_CLIENT_CLOSED_REQUEST = 499  # nginx's: nobody reads it, and traces tell it from an answer
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class BoundedRequest(Request):
    """Reads no more of a body than the limits allow, and JSON that is Unicode text."""

    async def read(self, share: Share) -> None:
        """Take the body in; what it needs in memory is counted as the request's share.

        Raises:
            InputTooLong: it is beyond a limit.
            Overloaded: all open requests together are.
            TooSlow: it was not there within the default timeout.
        """
        timeout_s = service_of(self).timeout_ms / 1000
        try:
            async with asyncio.timeout(timeout_s):
                self._body = await self._bounded(share)
        except TimeoutError:
            raise TooSlow(f"the body was not there within {timeout_s:g} s") from None
        share.take_values(self._body)

    async def _bounded(self, share: Share) -> bytes:
        most, size, chunks = service_of(self).limits.body_bytes, 0, []
        async for chunk in self.stream():
            size += len(chunk)
            if size > most:
                raise InputTooLong(f"the body is larger than {most} bytes", field="body")
            share.take_text(len(chunk))
            chunks.append(chunk)
        return b"".join(chunks)

    def says_json(self) -> bool:
        """Whether the body is declared as JSON; an empty one need not be."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return (
            not self._body
            or kind == "application/json"
            or (kind[:12], kind[-5:]) == ("application/", "+json")
        )

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

    @staticmethod
    def reads(request: BoundedRequest) -> bool:
        """Whether the body is declared as something that the route reads."""
        return request.says_json()

    def get_route_handler(self) -> Handler:
        """Wrap the handler: errors become answers."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            bounded = BoundedRequest(request.scope, request.receive)
            try:
                if self.needs_key:
                    authorize(bounded, service_of(bounded).keys)
                with service_of(bounded).bodies.share() as share:
                    await bounded.read(share)
                    return await handle(bounded) if self.reads(bounded) else self._refuse(bounded, NOT_JSON)
            except Abandoned:  # counted where it was noticed
                return Response(status_code=_CLIENT_CLOSED_REQUEST)
            except JrerankError as error:
                return self._refuse(bounded, fault_of(error))
            except RequestValidationError as error:
                return self._refuse(bounded, validation_fault(error))
            except Exception:  # noqa: BLE001  also what nobody thought of is answered in the caller's dialect
                _LOG.exception("request_failed")
                return self._refuse(bounded, Fault("internal", "something went wrong; the log says what"))

        return answer

    def _refuse(self, request: Request, fault: Fault) -> Response:
        """Answer, count and log a request that gets no result. The message stays out of the log: it may quote the caller."""
        service_of(request).metrics.refusals.labels("http", fault.kind).inc()
        _LOG.info("refused", path=self.path, status=fault.status, kind=fault.kind, field=fault.field)
        return error_response(fault, self.dialect_of(request))


class OpenRoute(DialectRoute):
    """A route that says nothing which needs a key: a load balancer has none."""

    needs_key = False


class LinesRoute(DialectRoute):
    """A route that reads JSON by the line."""

    @staticmethod
    def reads(request: BoundedRequest) -> bool:
        """Whether it says so, or, as engines take it, just JSON."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind == "application/x-ndjson" or request.says_json()


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
    """What is wrong, by the name the caller gave it: of several mistakes the one that lies deepest, which tells most."""
    wrong = max(error.errors(), key=lambda one: len(one["loc"]))
    if wrong["type"] == "json_invalid":
        return Fault("invalid_json", f"the body is not JSON: {wrong['ctx']['error']}")
    field = ".".join(str(part) for part in wrong["loc"][1:] if not _names_a_choice(part)) or "body"
    return Fault("invalid_input", f"{field}: {wrong['msg']}{_shown(wrong.get('input'))}", field)


def _names_a_choice(part: object) -> bool:
    """Where a body or a field may have one of several shapes, pydantic names the one that it tried: nothing the caller wrote."""
    return isinstance(part, str) and (part in _SHAPES or "[" in part)


def _shown(value: object) -> str:
    """A short value helps to find the mistake; a passage or a whole body does not belong into an error."""
    return f" (got {value!r})" if isinstance(value, (int, float, bool)) or value is None else ""
