"""What statements do: parts are collected, requests reranked for as long as the client is there and does not cancel."""

from __future__ import annotations

import asyncio
import hmac
from functools import partial
from typing import Any

import pydantic_core

from jrerank.domain import Ranking, RerankRequest
from jrerank.doors.bodies import Share
from jrerank.doors.columns import ColumnsBody, columns_answer, columns_body, least_of
from jrerank.doors.intake import Caller
from jrerank.doors.large_bodies import in_time
from jrerank.doors.native import HitsBody, hits_answer, hits_body, json_of
from jrerank.doors.outline import outline_of, refuse_early
from jrerank.doors.pgwire.auth import proof
from jrerank.doors.pgwire.faults import Cancelled, Locked
from jrerank.doors.pgwire.login import Login
from jrerank.doors.pgwire.messages import ANSWER, PROOF, Result
from jrerank.doors.pgwire.parts import Parts
from jrerank.doors.pgwire.statements import Part, Prove, Rerank, SessionStatement, Statement, read_statement
from jrerank.doors.service import Service
from jrerank.json_reader.text import WHOLE_BYTES
from jrerank.large_work import MANY_DOCUMENTS
from jrerank.stores.replies import counted_by
from jrerank.telemetry import span


class Session:
    """One client's. `gone` is done when it has left."""

    def __init__(self, service: Service, login: Login, gone: asyncio.Future[None]) -> None:
        self._service = service
        self._login = login
        # Of the one who has locked the connection, and whether what comes next is from there
        self._token: str | None = None
        self._unlocked = False
        self._gone = gone
        self._parts: Parts | None = None
        self._work: asyncio.Task[str] | None = None
        self._cancelled = False
        self.in_transaction = False

    @property
    def collects_parts(self) -> bool:
        """Whether the rest of a request is to follow."""
        return self._parts is not None

    def read(self, text: str) -> Statement:
        """What `text` says after what came before it.

        Raises:
            NoSql, NotSpoken: see `read_statement`.
        """
        return read_statement(text, continued=self.collects_parts)

    async def run(self, statement: Statement, arrival: float) -> Result:
        """Do what the statement says; `arrival` is when it came in, on the clock of `time.monotonic()`.

        Raises:
            InputTooLong: beyond the service's limits.
            Cancelled: by `cancel`.
            Locked: somebody else has locked the connection.
            EOFError: the client has left.
            JrerankError: as `Reranker.rerank` does.
        """
        match statement:
            case Rerank(json):
                try:
                    self._check_unlocked()
                    body = self._parts.joined(json) if self._parts else json.encode()
                    return Result("SELECT 1", ANSWER, await self._watched(body, arrival))
                finally:
                    self._unlocked = False
                    self.forget_parts()
            case Prove(token, nonce):
                self._unlock(token)
                return Result("SELECT 1", PROOF, proof(self._login.secret, nonce))
            case Part(json):
                self._check_unlocked()
                self._parts = self._parts or Parts(self._service)
                self._parts.add(json)
                return Result("PART")
            case SessionStatement(result, in_transaction):
                self.in_transaction = self.in_transaction if in_transaction is None else in_transaction
                return result

    def forget_parts(self) -> None:
        """The next statement begins a request of its own."""
        if self._parts is not None:
            self._parts.forget()
            self._parts = None

    def cancel(self) -> None:
        """Stop the request that is being reranked, if there is one."""
        if self._work is not None:
            self._cancelled = True
            self._work.cancel()

    def _unlock(self, token: str) -> None:
        self._token = self._token or token
        self._unlocked = hmac.compare_digest(self._token, token)
        self._check_unlocked()

    def _check_unlocked(self) -> None:
        if self._token is not None and not self._unlocked:
            raise Locked

    async def _watched(self, body: bytes, arrival: float) -> str:
        self._cancelled = False
        self._work = asyncio.ensure_future(self._rerank(body, arrival))
        either: list[asyncio.Future[Any]] = [self._work, self._gone]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not self._work.done():
                self._service.metrics.requests.labels("pgwire", "abandoned").inc()
                raise EOFError
            return await self._work
        except asyncio.CancelledError:
            if self._cancelled:
                raise Cancelled from None
            raise
        finally:
            self._work.cancel()
            self._work = None

    async def _rerank(self, body: bytes, arrival: float) -> str:
        service = self._service
        with span("pgwire", {}) as attributes, service.bodies.share() as share:
            read = partial(self._read, body, share, Caller(self._login.caller, arrival))
            is_large = len(body) > WHOLE_BYTES
            asked, requests = (
                await in_time(service, read, arrival, service.timeout_ms) if is_large else read()
            )
            share.take_documents(sum(request.documents for request in requests))
            with counted_by(share.take_text):
                rankings = await service.reranker.rerank_all(requests)
            attributes["jrerank.outcome"] = least_of(rankings).outcome.value
        for request, ranking in zip(requests, rankings, strict=True):
            service.note("pgwire", len(request.candidates), ranking, arrival)
        is_large = sum(len(ranking.hits) for ranking in rankings) > MANY_DOCUMENTS
        return await service.large.answer_if(is_large, _answer, asked, rankings, service.info.model, arrival)

    def _read(
        self, body: bytes, share: Share, caller: Caller
    ) -> tuple[HitsBody | ColumnsBody, list[RerankRequest]]:
        value, limits, intake = json_of(body, share), self._service.limits, self._service.intake
        refuse_early(self._service, outline_of(value), caller)
        if isinstance(value, dict) and "queries" in value:
            columns = columns_body(value, limits)
            return columns, columns.to_requests(intake, caller)
        hits = hits_body(value, limits)
        return hits, [hits.to_request(intake, caller)]


def _answer(asked: HitsBody | ColumnsBody, rankings: list[Ranking], model: str, arrival: float) -> str:
    if isinstance(asked, ColumnsBody):
        content = columns_answer(rankings, model, arrival)
    else:
        content = hits_answer(rankings[0], model, arrival)
    return pydantic_core.to_json(content).decode()
