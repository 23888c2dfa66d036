"""The routes of all dialects in the table: one for each path, whichever dialects share it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from jrerank.domain import Outcome, RankedHit, Ranking, RerankRequest
from jrerank.doors.http.answers import answer
from jrerank.doors.http.body import BoundedRequest
from jrerank.doors.http.context import arrival_of, caller_of, service_of, share_of
from jrerank.doors.http.dialects.dialect import Answer, Dialect, Row
from jrerank.doors.http.dialects.read import Asked, check_counts, outline_of, read
from jrerank.doors.http.dialects.table import DIALECTS
from jrerank.doors.http.error_shapes import ErrorShape, all_of
from jrerank.doors.http.large_bodies import beside_if
from jrerank.doors.http.openapi import answers_of, body_of, errors_of
from jrerank.doors.http.routing import DirectRoute
from jrerank.doors.http.scores import shown_scores
from jrerank.doors.intake import Caller
from jrerank.doors.outline import refuse_early
from jrerank.doors.service import Service
from jrerank.errors import InputTooLong, InvalidInput
from jrerank.large_work import MANY_DOCUMENTS

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]
_NO_MODEL: dict[int | str, dict[str, Any]] = {
    404: {"description": "No path, such as a model's name with a newline in it."}
}
_SHARING: dict[str, list[Dialect]] = defaultdict(list)
for _dialect in DIALECTS:
    for _path in _dialect.paths:
        _SHARING[_path].append(_dialect)


class DialectRoute(DirectRoute):
    """A path that one dialect has, or that several share."""

    has_timeout = True

    def spoken(self, request: Request) -> tuple[str, ErrorShape]:
        """That of the body; of all that it may be where it cannot be told."""
        sharing = _SHARING[self.path]
        body = getattr(request, "value", None)
        if isinstance(body, Mapping) and len(sharing) > 1:
            dialect = _spoken(sharing, body)
            return dialect.name, dialect.errors
        return sharing[-1].name, all_of([dialect.errors for dialect in sharing])

    async def parse(self, request: BoundedRequest) -> None:
        """Parse the body, and refuse at once what could not be done in time."""
        await request.parse(partial(_in_time, request, _SHARING[self.path]))


def make_router() -> APIRouter:
    """A route for each path of the table."""
    router = APIRouter(route_class=DialectRoute, tags=["rerank"])
    for path, sharing in _SHARING.items():
        router.add_api_route(
            path,
            _endpoint(sharing),
            methods=["POST"],
            summary="; or ".join(dialect.summary for dialect in sharing),
            description="The name of the documents tells the dialects apart."
            if sharing[1:]
            else sharing[0].name,
            responses={
                200: answers_of(sharing),
                **errors_of(*(dialect.errors for dialect in sharing)),
                **_NO_MODEL,
            },
            openapi_extra={"requestBody": body_of(sharing)},
        )
    return router


def _endpoint(sharing: Sequence[Dialect]) -> Endpoint:
    async def rerank(http: Request) -> Response:
        body = await _object(http)
        return await _answered(http, _spoken(sharing, body), body)

    return rerank


def _in_time(request: Request, sharing: Sequence[Dialect], value: Any) -> Any:
    if isinstance(value, Mapping):
        outline = outline_of(_spoken(sharing, value), value)
        refuse_early(service_of(request), outline, caller_of(request))
    return value


def _spoken(sharing: Sequence[Dialect], body: Mapping[str, Any]) -> Dialect:
    return next((dialect for dialect in sharing if dialect.fits(body)), sharing[-1])


async def _object(http: Request) -> Mapping[str, Any]:
    body = await http.json()
    if not isinstance(body, Mapping):
        raise InvalidInput("body: a JSON object is needed", field="body")
    return body


async def _answered(http: Request, dialect: Dialect, body: Mapping[str, Any]) -> Response:
    service, caller = service_of(http), caller_of(http)
    documents = check_counts(dialect, body, service.limits)
    share_of(http).take_documents(documents)
    is_large = documents > MANY_DOCUMENTS
    asked, requests = await beside_if(is_large, http, partial(_read, dialect, body, service, caller))
    try:
        rankings = await service.reranker.rerank_all(requests)
    except InputTooLong as error:
        raise asked.fields.renamed(error) from None
    ranking = rankings[0] if dialect.order == "rank" else in_input_order(rankings)
    service.note(dialect.name, len(asked.texts), ranking, caller.arrival)
    return await answer(http, lambda: dialect.answer(_content(http, service, asked, ranking)), ranking)


def _read(
    dialect: Dialect, body: Mapping[str, Any], service: Service, caller: Caller
) -> tuple[Asked, list[RerankRequest]]:
    asked = read(dialect, body, service.info.max_tokens)
    return asked, asked.requests(service.intake, caller)


def _content(http: Request, service: Service, asked: Asked, ranking: Ranking) -> Answer:
    return Answer(
        rows=_rows(ranking.hits, asked),
        documents=len(asked.texts),
        tokens=ranking.tokens,
        model=service.info.model,
        path=http.url.path,
        echo=asked.echo,
        took_ms=(time.monotonic() - arrival_of(http)) * 1000,
    )


def in_input_order(rankings: Sequence[Ranking]) -> Ranking:
    """The rankings of several queries as one; a hit's id is its document's place."""
    hits = [replace(hit, index=int(hit.id)) for ranking in rankings for hit in ranking.hits]
    outcomes = {ranking.outcome for ranking in rankings}
    outcome = Outcome.PARTIAL if len(outcomes) > 1 else next(iter(outcomes), Outcome.COMPLETE)
    second_read = [ranking.second_read for ranking in rankings if ranking.second_read is not None]
    return Ranking(
        hits=tuple(sorted(hits, key=lambda hit: hit.index)),
        outcome=outcome,
        reason=next((ranking.reason for ranking in rankings if ranking.reason), None),
        tokens=sum(ranking.tokens for ranking in rankings),
        truncated=sum(ranking.truncated for ranking in rankings),
        second_read=sum(second_read) if second_read else None,
    )


def _rows(hits: Sequence[RankedHit], asked: Asked) -> list[Row]:
    scores = shown_scores(hits, raw=asked.raw)
    return [
        Row(hit.index, score, asked.documents[hit.index], asked.texts[hit.index])
        for hit, score in zip(hits, scores, strict=True)
    ]
