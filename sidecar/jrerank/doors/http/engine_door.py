"""`/v1/search/{store}` as the host of an engine's own clients: searches are reranked, reads passed on, the rest refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote

import pydantic
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from jrerank.doors.http.context import share_of
from jrerank.doors.http.engine_answers import engine_answer
from jrerank.doors.http.large_bodies import beside_if
from jrerank.doors.http.multisearch import index_of, read_searches, read_templates, search_of
from jrerank.doors.http.opening import lines_read, searching_of
from jrerank.doors.http.routing import LinesRoute
from jrerank.doors.http.searching import Searching
from jrerank.doors.search.engine_api import Call, Does, Refusal, understood
from jrerank.doors.search.url_parameters import (
    MultiSearchParameters,
    OutputParameters,
    SearchParameters,
    of_output,
)
from jrerank.doors.validation import described
from jrerank.errors import Forbidden, InvalidInput, MethodNotAllowed, NotJson
from jrerank.json_reader.text import WHOLE_BYTES, parsed
from jrerank.stores.search import EngineReply

Json = dict[str, Any]
_Model = TypeVar("_Model", bound=BaseModel)
_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]
_BASE = "/v1/search/"
# A body that stands in the URL, and an index: an engine would take it where its path names none
_READ_HERE = ("source", "source_content_type", "index")
router = APIRouter(route_class=LinesRoute, include_in_schema=False)


@router.api_route("/v1/search/{store}", methods=[method for method in _METHODS if method != "POST"])
@router.api_route("/v1/search/{store}/{path:path}", methods=_METHODS)
async def engine_request(store: str, http: Request) -> Response:
    """A request of an engine's own API."""
    asking = Asking(searching_of(http, store), http, _understood(http))
    reply, output = await _DOING[asking.call.does](asking)
    return await engine_answer(http, asking.searching.engine, reply, output)


Replied = tuple[EngineReply, OutputParameters]


@dataclass(frozen=True, slots=True)
class Asking:
    """A request that is passed on in one way or another."""

    searching: Searching
    http: Request
    call: Call

    @property
    def named(self) -> str | None:
        """The indexes that the path names, or else the URL's parameter."""
        return self.call.index or self.http.query_params.get("index")

    @property
    def indexes(self) -> str:
        """Those that are named, or all of the store's.

        Raises:
            InvalidInput: one of them is not the store's.
        """
        return index_of(self.named, self.searching.engine.indexes, "index")

    @property
    def parameters(self) -> dict[str, str]:
        """Of the URL, without what is read here."""
        return {name: value for name, value in self.http.query_params.items() if name not in _READ_HERE}

    async def content(self) -> bytes:
        """The body, also where it stands in the URL, as for clients that send none with a GET."""
        return await self.http.body() or self.http.query_params.get("source", "").encode()

    async def body(self) -> Json:
        """The body as JSON; none is an empty one.

        Raises:
            InvalidInput: it is not a JSON object.
        """
        content = await self.content()
        try:
            value = await self._parsed(content) if content.strip() else {}
        except ValueError as error:
            raise NotJson(f"the body is not JSON: {error}", field="body") from None
        if not isinstance(value, dict):
            raise InvalidInput("body: must be a JSON object", field="body")
        return value

    async def _parsed(self, content: bytes) -> Any:
        work = partial(parsed, content, share_of(self.http).take_values)
        return await beside_if(len(content) > WHOLE_BYTES, self.http, work)

    async def pass_on(self, body: Json | None, *path: str) -> Replied:
        """The engine's reply to the request as it came, but for its path and ids."""
        engine, parameters = self.searching.engine, self.parameters
        reply = await self.searching.of_engine(engine.ask(self.http.method, path, body, parameters))
        parameters.pop("filter_path", None)  # the engine has seen to it
        return reply, of_output(parameters)


async def _search(asking: Asking) -> Replied:
    parameters = _read(SearchParameters, asking.parameters)
    search = search_of(await asking.body()).with_parameters(parameters)
    return await asking.searching.one(asking.indexes, search, parameters.for_engine()), parameters


async def _search_by_template(asking: Asking) -> Replied:
    parameters = _read(SearchParameters, asking.parameters)
    body = await asking.body()
    return await asking.searching.by_template(asking.indexes, body, parameters.for_engine()), parameters


async def _multi_search(asking: Asking) -> Replied:
    parameters = _read(MultiSearchParameters, asking.parameters)
    allowed = asking.searching.engine.indexes
    searches = await lines_read(asking.http, read_searches, allowed, asking.indexes, await asking.content())
    return await asking.searching.many(searches, parameters.for_engine()), parameters


async def _multi_search_by_template(asking: Asking) -> Replied:
    parameters = _read(MultiSearchParameters, asking.parameters)
    allowed = asking.searching.engine.indexes
    templates = await lines_read(asking.http, read_templates, allowed, asking.indexes, await asking.content())
    return await asking.searching.many_by_template(templates, parameters.for_engine()), parameters


async def _scroll(asking: Asking) -> Replied:
    """The next page, or an end; the id may stand in path, URL and body, and goes on in the body."""
    body = await asking.body()
    in_path = list(asking.call.rest[2:3])
    said = in_path or [
        asking.http.query_params[name] for name in ("scroll_id",) if name in asking.http.query_params
    ]
    if said:
        body["scroll_id"] = said[0].split(",") if asking.http.method == "DELETE" else said[0]
    if not body.get("scroll_id"):
        raise InvalidInput("scroll_id: is needed, as a search at this door gave it", field="scroll_id")
    if "scroll" in asking.http.query_params:
        body["scroll"] = asking.http.query_params["scroll"]
    engine = asking.searching.engine
    parameters = {
        name: value for name, value in asking.parameters.items() if name not in {"scroll", "scroll_id"}
    }
    asked = engine.ask(
        asking.http.method, ("_search", "scroll"), asking.searching.seal.open_in(body), parameters
    )
    return _sealed(
        asking, (await asking.searching.of_engine(asked), OutputParameters(pretty=parameters.get("pretty")))
    )


async def _open_point_in_time(asking: Asking) -> Replied:
    return _sealed(
        asking, await asking.pass_on(await asking.body() or None, asking.indexes, *asking.call.rest)
    )


async def _close_point_in_time(asking: Asking) -> Replied:
    body = asking.searching.seal.open_in(await asking.body())
    return _sealed(asking, await asking.pass_on(body, *asking.call.rest))


def _sealed(asking: Asking, replied: Replied) -> Replied:
    reply, output = replied
    return replace(reply, body=asking.searching.seal.seal_in(reply.body)), output


async def _read_documents(asking: Asking) -> Replied:
    """A multi-get: its documents may name indexes of their own."""
    allowed, body = asking.searching.engine.indexes, await asking.body()
    documents = body.get("docs")
    for place, document in enumerate(documents if isinstance(documents, list) else ()):
        if isinstance(document, dict) and "_index" in document:
            index_of(document["_index"], allowed, f"docs.{place}._index")
    index = asking.indexes if asking.named or len(allowed) == 1 else None
    return await asking.pass_on(body, *([index] if index else []), *asking.call.rest)


async def _pass_on(asking: Asking) -> Replied:
    return await asking.pass_on(await asking.body() or None, asking.indexes, *asking.call.rest)


async def _info(asking: Asking) -> Replied:
    return await asking.pass_on(None)


_DOING: Mapping[Does, Callable[[Asking], Any]] = {
    Does.SEARCH: _search,
    Does.MULTI_SEARCH: _multi_search,
    Does.TEMPLATE_SEARCH: _search_by_template,
    Does.MULTI_TEMPLATE_SEARCH: _multi_search_by_template,
    Does.SCROLL: _scroll,
    Does.OPEN_POINT_IN_TIME: _open_point_in_time,
    Does.CLOSE_POINT_IN_TIME: _close_point_in_time,
    Does.READ_DOCUMENTS: _read_documents,
    Does.READ: _pass_on,
    Does.INFO: _info,
}


def _understood(http: Request) -> Call:
    """What the path below the store's address asks for; its parts may hold slashes, escaped."""
    raw = http.scope.get("raw_path") or http.scope["path"].encode()
    below = raw.decode("latin-1").partition("?")[0].partition(_BASE)[2].rstrip("/")
    call = understood(http.method, [unquote(part) for part in below.split("/")[1:]])
    if isinstance(call, Refusal):
        raise MethodNotAllowed(call.reason, allowed=call.allowed) if call.allowed else Forbidden(call.reason)
    return call


def _read(model: type[_Model], parameters: Mapping[str, str]) -> _Model:
    try:
        return model.model_validate(parameters)
    except pydantic.ValidationError as error:
        message, field = described(error.errors(include_url=False))
        raise InvalidInput(message, field=field) from None
