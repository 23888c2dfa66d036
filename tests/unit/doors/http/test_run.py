"""A request's way through the reranker."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest
from fastapi import FastAPI, Request

from jrerank.domain import Outcome, Ranking
from jrerank.doors.http.run import answer, while_there
from jrerank.doors.service import Service
from jrerank.errors import Abandoned


class Caller:
    """Hangs up when told to."""

    def __init__(self, service: Service) -> None:
        app = FastAPI()
        app.state.service = service
        self.gone = asyncio.Event()
        self.request = Request({"type": "http", "app": app, "headers": []}, self._receive)

    async def _receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def test_what_was_asked_is_answered(service: Service) -> None:
    assert await while_there(Caller(service).request, "hits", asyncio.sleep(0, "done")) == "done"


async def test_an_error_is_passed_on(service: Service) -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await while_there(Caller(service).request, "hits", fail())


async def test_who_hangs_up_ends_the_work(service: Service) -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    caller = Caller(service)
    asyncio.get_running_loop().call_later(0.01, caller.gone.set)
    with pytest.raises(Abandoned):
        await while_there(caller.request, "hits", work())
    await asyncio.wait_for(ended.wait(), 5)
    assert 'outcome="abandoned"' in service.metrics.exposition().decode()


@pytest.mark.parametrize("reason", [None, "deadline"])
def test_every_answer_has_its_outcome_in_a_header(reason: str | None) -> None:
    response = answer({"text": "空"}, Ranking((), Outcome.PARTIAL, reason))
    assert response.headers["x-jrerank-outcome"] == "partial"
    assert response.headers.get("x-jrerank-reason") == reason
    assert json.loads(bytes(response.body)) == {"text": "空"}


@pytest.mark.parametrize(("truncated", "header"), [(0, None), (3, "3")])
def test_and_how_many_passages_were_cut(truncated: int, header: str | None) -> None:
    response = answer({}, Ranking((), Outcome.COMPLETE, truncated=truncated))
    assert response.headers.get("x-jrerank-truncated") == header


def test_a_number_that_json_has_no_word_for_is_null() -> None:
    response = answer({"score": 0.5, "document": {"n": [math.inf, 1]}}, Ranking((), Outcome.COMPLETE))
    assert json.loads(bytes(response.body)) == {"score": 0.5, "document": {"n": [None, 1]}}
