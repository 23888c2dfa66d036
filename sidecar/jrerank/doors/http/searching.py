"""A search's way through the engine and the reranker: whatever goes wrong after the engine's answer, the search answers."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from jrerank.domain import Candidate, RerankRequest
from jrerank.doors.bodies import Share
from jrerank.doors.http.faults import fault_of
from jrerank.doors.http.multisearch import OneOfMany, OneTemplate
from jrerank.doors.intake import Caller, Fields, Options
from jrerank.doors.native import fusion_of
from jrerank.doors.search import passthrough
from jrerank.doors.search.merge import PASSTHROUGH, Answer, answer_of
from jrerank.doors.search.options import SearchBody
from jrerank.doors.search.plan import Plan, is_well_formed, make_plan
from jrerank.doors.search.reply import reply
from jrerank.doors.search.sealed_ids import IdSeal
from jrerank.doors.service import Service
from jrerank.errors import InvalidInput, JrerankError, StoreError, Unavailable, UnknownStore
from jrerank.json_reader.text import WHOLE_BYTES
from jrerank.stores.opaque_id import asking_for
from jrerank.stores.search import EngineReply, SearchEngine, engine_words
from jrerank.telemetry import logger

_LOG = logger(__name__)
DOOR = "search"
# The engine's documents are not the caller's to shorten
_FIELDS = Fields(passages=None)
_DONE, _REFUSED = 200, 400
_OF_ACCOUNT = (401, 403)
# Errors of the searched indexes, whatever the account: a block of reading is a 403 too
_OF_INDEXES = ("cluster_block_exception", "index_closed_exception")
_QUESTIONS_AT_ONCE = 8
# Of a search's time, how much is left to an engine that is slow to say what its indexes can give: then the defaults will do
_LIMITS_SHARE = 0.5
T = TypeVar("T")
Json = dict[str, Any]
_Answered = tuple[Plan, Json]


class AccountRefused(Unavailable):
    """The engine refuses the account that this sidecar has there."""


@dataclass(frozen=True, slots=True)
class Searching:
    """One request at the door."""

    service: Service
    engine: SearchEngine
    caller: Caller
    share: Share
    seal: IdSeal
    opaque_id: str = ""

    async def one(self, index: str, search: SearchBody, parameters: Mapping[str, str]) -> EngineReply:
        """The engine's reply, reranked if it is one.

        Raises:
            Unavailable: the engine gave no reply, or the search asks to fail where it is not reranked.
            UnknownStore: the search names a store for its texts that there is none of.
            InvalidInput: its point in time was not opened here.
        """
        plan = await self._plan(index, search, time.monotonic(), is_scroll="scroll" in parameters)
        place = "" if "pit" in plan.body else index
        said = await self.of_engine(self.engine.search(place, plan.body, parameters))
        if plan.is_widened and said.status == _REFUSED:
            plan = plan.as_asked()
            said = await self.of_engine(self.engine.search(place, plan.body, parameters))
            if said.status == _DONE:
                self.engine.forget_limits(index)
        return await self._reranked(plan, said)

    async def by_template(self, index: str, template: Json, parameters: Mapping[str, str]) -> EngineReply:
        """As `one`, of the search that the engine makes of a template; `rerank` stands beside the template.

        Raises:
            InvalidInput: what the template makes is not a search.
        """
        one = OneTemplate({}, index, template)
        made = await self._filled_in(one)
        return (
            made
            if isinstance(made, EngineReply)
            else await self.one(index, one.search(made).body, parameters)
        )

    async def _filled_in(self, one: OneTemplate) -> Json | EngineReply:
        """What the engine makes of a template, or its refusal."""
        said = await self.of_engine(self.engine.ask("POST", ("_render", "template"), one.for_engine(), {}))
        made = said.body.get("template_output") if isinstance(said.body, dict) else None
        return made if said.status == _DONE and isinstance(made, dict) else said

    async def many(self, searches: Sequence[OneOfMany | Json], parameters: Mapping[str, str]) -> EngineReply:
        """The engine's reply with each of its responses reranked; one that fails fails alone.

        Args:
            searches: or what already stands in the place of an answer.

        Raises:
            Unavailable: the engine gave no reply.
        """
        asked = {place: one for place, one in enumerate(searches) if isinstance(one, OneOfMany)}
        in_order: dict[int, Any] = {place: one for place, one in enumerate(searches) if place not in asked}
        planned = await self._plans(asked)
        plans = {place: plan for place, plan in planned.items() if isinstance(plan, Plan)}
        in_order |= {place: error for place, error in planned.items() if not isinstance(error, Plan)}
        said = EngineReply(_DONE, {"took": 0, "responses": []})
        if plans:
            said = await self._asked([asked[place] for place in plans], list(plans.values()), parameters)
            said_to = _responses(said, len(plans))
            if not said_to:
                return said
            answered = dict(zip(plans, zip(plans.values(), said_to, strict=True), strict=True))
            answered |= await self._asked_again(asked, answered, parameters)
            reranking = [partial(self._response, *one) for one in answered.values()]
            reranked = await _together(reranking, len(reranking))
            in_order |= zip(answered, reranked, strict=True)
        responses = [in_order[place] for place in range(len(searches))]
        return replace(said, body={**said.body, "responses": responses})

    async def _plans(self, searches: Mapping[int, OneOfMany]) -> dict[int, Plan | Json]:
        """By place: how each is asked, or the error in the place of its response.

        The time of all begins now: waits of those that have their turn later would add up to nearly all of a search's time.
        """
        began = time.monotonic()
        plans = await _together([partial(self._plan_or_error, began, *one) for one in searches.items()])
        return dict(zip(searches, plans, strict=True))

    async def _plan_or_error(self, began: float, place: int, one: OneOfMany) -> Plan | Json:
        try:
            return await self._plan(one.index, one.body, began, place=f"{place}.")
        except InvalidInput as error:
            return _shown(error)

    async def many_by_template(
        self, templates: Sequence[OneTemplate], parameters: Mapping[str, str]
    ) -> EngineReply:
        """As `many`, of the searches that the engine makes of templates, some at a time.

        Raises:
            Unavailable: the engine gave no reply, or did not make them within the time of a request.
        """
        async with self._in_time():
            made = await _together(
                [partial(self._one_of_many, one, f"{place}") for place, one in enumerate(templates)]
            )
        return await self.many(made, parameters)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        timeout_s = min(self.service.timeout_ms, self.caller.patience_ms) / 1000
        try:
            async with asyncio.timeout(self.caller.arrival + timeout_s - time.monotonic()):
                yield
        except TimeoutError:
            raise Unavailable(f"the engine did not fill in the templates within {timeout_s:g} s") from None

    async def _one_of_many(self, one: OneTemplate, place: str) -> OneOfMany | Json:
        """A template's search, or what stands in the place of its answer."""
        try:
            made = await self._filled_in(one)
            return _error_of(made) if isinstance(made, EngineReply) else one.search(made, place)
        except (InvalidInput, AccountRefused) as error:
            return _shown(error)

    async def _asked_again(
        self,
        searches: Mapping[int, OneOfMany],
        answered: Mapping[int, _Answered],
        parameters: Mapping[str, str],
    ) -> dict[int, _Answered]:
        """What the engine says to the callers' own searches, by their places, where it refuses the wider ones."""
        refused = {
            place: plan.as_asked() for place, (plan, said) in answered.items() if _is_refused(plan, said)
        }
        if not refused:
            return {}
        try:
            said = await self._asked(
                [searches[place] for place in refused], list(refused.values()), parameters
            )
        except Unavailable:
            return {}
        answers = dict(zip(refused, _responses(said, len(refused)), strict=False))
        for place, one in answers.items():
            if isinstance(one, dict) and "error" not in one:
                self.engine.forget_limits(searches[place].index)
        return {place: (refused[place], one) for place, one in answers.items()}

    async def _asked(
        self, searches: Sequence[OneOfMany], plans: Sequence[Plan], parameters: Mapping[str, str]
    ) -> EngineReply:
        lines = [(_header(one.header, plan), plan.body) for one, plan in zip(searches, plans, strict=True)]
        return await self.of_engine(self.engine.msearch(lines, parameters))

    async def of_engine(self, asked: Awaitable[EngineReply]) -> EngineReply:
        """The engine's reply.

        Raises:
            Unavailable: there is none.
            AccountRefused: it refuses the store's own account, which is no fault of the caller's.
        """
        try:
            with asking_for(self.opaque_id):
                said = await asked
        except StoreError as error:
            _LOG.warning("engine_failed", error=str(error))
            raise Unavailable(error.public) from error
        if _is_of_account(said.status, said.body):
            raise _account_refused(said.status, said.body)
        return said

    async def _plan(
        self, index: str, search: SearchBody, began: float, *, is_scroll: bool = False, place: str = ""
    ) -> Plan:
        """`began`: when planning did, on the clock of `time.monotonic()`."""
        limits = await self.engine.limits(index, self._limits_timeout_s(search, began))
        if search.pit is not None:
            search = search.model_copy(update={"pit": self.seal.open_in(search.pit, f"{place}pit.")})
        as_fetched = is_scroll or "retriever" in (search.model_extra or {})
        return make_plan(search, self.engine.text_fields, limits, as_fetched=as_fetched)

    def _limits_timeout_s(self, search: SearchBody, began: float) -> float:
        """A share of the time that was left when planning began, less what has gone since."""
        timeout_ms = min(search.options().timeout_ms or self.service.timeout_ms, self.caller.patience_ms)
        left_s = self.caller.arrival + timeout_ms / 1000 - began
        return max(0.0, began + left_s * _LIMITS_SHARE - time.monotonic())

    async def _response(self, plan: Plan, response: dict[str, Any]) -> Any:
        try:
            if isinstance(response, dict) and _is_of_account(response.get("status"), response):
                raise _account_refused(response["status"], response)
            if not isinstance(response, dict) or "error" in response:
                return response
            return (await self._reranked(plan, EngineReply(200, response))).body
        except JrerankError as error:
            return _shown(error)

    async def _reranked(self, plan: Plan, said: EngineReply) -> EngineReply:
        if said.status != _DONE or not isinstance(said.body, dict):
            return said
        start = time.monotonic()
        is_large, large = said.size_bytes > WHOLE_BYTES, self.service.large
        if not await large.run_if(is_large, is_well_formed, said.body):
            _LOG.warning("hits_malformed")
            return said
        shown = partial(self._shown, said.body, plan, start, is_large)
        try:
            body = await shown(await self._answer(plan, said.body, is_large))
        except JrerankError:
            raise
        except Exception:  # noqa: BLE001  a bug costs the new order, never the hits
            _LOG.exception("search_not_reranked")
            body = await shown(_if_allowed(plan, self._passed("internal_error")))
        return replace(said, body=self.seal.seal_in(body))

    async def _shown(self, said: Json, plan: Plan, start: float, is_large: bool, answer: Answer) -> Json:
        took_ms = int((time.monotonic() - start) * 1000)
        return await self.service.large.answer_if(is_large, reply, said, plan, answer, took_ms)

    async def _answer(self, plan: Plan, said: Json, is_large: bool) -> Answer:
        if plan.reason:
            return self._passed(plan.reason)
        candidates = await self.service.large.run_if(is_large, plan.candidates, said)
        if reason := plan.reason_in(candidates):
            return self._passed(reason)
        try:
            return _if_allowed(plan, await self._ask(plan, candidates))
        except UnknownStore as error:
            raise UnknownStore(str(error), field="rerank.store") from None
        except JrerankError as error:
            if plan.options.on_failure == "error":
                raise
            return self._passed(f"status_{fault_of(error).status}")

    async def _ask(self, plan: Plan, candidates: Sequence[Candidate]) -> Answer:
        request = self._request(plan, candidates)
        if request.deadline is not None and time.monotonic() >= request.deadline:
            return self._passed(passthrough.DEADLINE)
        self.share.take_documents(request.documents)
        self.share.take_text(sum(sys.getsizeof(text) for one in candidates for text in one.others))
        ranking = await self.service.reranker.rerank(request)
        self.service.note(DOOR, len(candidates), ranking, self.caller.arrival)
        return answer_of(ranking, self.service.info.model)

    def _request(self, plan: Plan, candidates: Sequence[Candidate]) -> RerankRequest:
        options = Options(
            timeout_ms=plan.options.timeout_ms,
            fusion=fusion_of(plan.options.fusion),
            store=plan.options.store,
            max_tokens_per_doc=plan.options.max_tokens_per_doc,
        )
        return self.service.intake.request(self.caller, plan.text, candidates, options, _FIELDS)

    def _passed(self, reason: str) -> Answer:
        self.service.metrics.requests.labels(DOOR, PASSTHROUGH).inc()
        _LOG.info("search_passed_through", reason=reason)
        return Answer(PASSTHROUGH, reason)


def _if_allowed(plan: Plan, answer: Answer) -> Answer:
    """The answer, unless the search asks to fail where it is not reranked."""
    if answer.outcome == PASSTHROUGH and plan.options.on_failure == "error":
        raise Unavailable(f"the search was not reranked: {answer.reason}")
    return answer


def _is_of_account(status: object, said: object) -> bool:
    error = said.get("error") if isinstance(said, dict) else None
    kind = error.get("type") if isinstance(error, dict) else None
    return status in _OF_ACCOUNT and kind not in _OF_INDEXES


async def _together(
    questions: Sequence[Callable[[], Awaitable[T]]], at_once: int = _QUESTIONS_AT_ONCE
) -> list[T]:
    """What each gives, `at_once` at a time; the first that fails ends the others.

    Raises:
        Exception: what that one raised.
    """
    turn = asyncio.Semaphore(at_once)

    async def in_turn(question: Callable[[], Awaitable[T]]) -> T:
        async with turn:
            return await question()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(question)) for question in questions]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _account_refused(status: int, said: object) -> AccountRefused:
    """The engine's words, which name accounts and roles, are for the operator."""
    _LOG.error("engine_refuses_account", status=status, error=engine_words(said) or str(said)[:1_000])
    return AccountRefused(
        f"the engine refuses the account that this sidecar has there (its status {status}); the log says why"
    )


def _header(header: Json, plan: Plan) -> Json:
    """A point in time names its own index."""
    return {name: value for name, value in header.items() if name != "index" or "pit" not in plan.body}


def _responses(said: EngineReply, count: int) -> list[dict[str, Any]]:
    """The responses to so many searches; none where this is no answer to them."""
    responses = said.body.get("responses") if isinstance(said.body, dict) else None
    return list(responses) if responses is not None and len(responses) == count else []


def _shown(error: JrerankError) -> Json:
    """An error in the place of a response."""
    fault = fault_of(error)
    return {"error": {"type": fault.kind, "reason": fault.message}, "status": fault.status}


def _error_of(said: EngineReply) -> Json:
    """The engine's own refusal in the place of a response."""
    error = said.body.get("error") if isinstance(said.body, dict) else None
    return {
        "error": error or {"type": "template_not_filled_in", "reason": "the engine made no search of it"},
        "status": said.status if said.status != _DONE else _REFUSED,
    }


def _is_refused(plan: Plan, response: dict[str, Any]) -> bool:
    return plan.is_widened and isinstance(response, dict) and response.get("status") == _REFUSED
