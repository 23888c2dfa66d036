"""How an answer is written."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from jrerank.domain import Outcome, Ranking
from jrerank.doors.bodies import Share
from jrerank.doors.http.answers import answer, json_bytes
from jrerank.doors.service import Service


def asking(service: Service) -> Request:
    """A request of which the body has been read."""
    app = FastAPI()
    app.state.service = service
    return Request({"type": "http", "app": app, "headers": [], "jrerank.share": Share(service.bodies)})


@pytest.mark.parametrize("reason", [None, "deadline"])
async def test_every_answer_has_its_outcome_in_a_header(service: Service, reason: str | None) -> None:
    ranking = Ranking((), Outcome.PARTIAL, reason)
    response = await answer(asking(service), lambda: {"text": "空"}, ranking)
    assert response.headers["x-jrerank-outcome"] == "partial"
    assert response.headers.get("x-jrerank-reason") == reason
    assert json.loads(bytes(response.body)) == {"text": "空"}


@pytest.mark.parametrize(("truncated", "header"), [(0, None), (3, "3")])
async def test_and_how_many_passages_were_cut(service: Service, truncated: int, header: str | None) -> None:
    ranking = Ranking((), Outcome.COMPLETE, truncated=truncated)
    response = await answer(asking(service), dict, ranking)
    assert response.headers.get("x-jrerank-truncated") == header


def test_a_number_that_json_has_no_word_for_is_null() -> None:
    content = {"score": 0.5, "document": {"n": [math.inf, 1]}}
    assert json.loads(json_bytes(content)) == {"score": 0.5, "document": {"n": [None, 1]}}


@given(st.integers(0, 1_000), st.sampled_from(["空", "\ud83d", 0.5, None, {"a": []}]))
def test_a_long_list_is_written_as_any_other(count: int, item: object) -> None:
    for content in ([item] * count, {"a": 1, "results": [item] * count}):
        assert json.loads(json_bytes(content)) == content


async def test_an_answer_counts_until_it_is_read(service: Service) -> None:
    """A client that reads slowly holds no more than the transport does, and what is still to be sent is known."""
    request, sent, read_on = asking(service), [], asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        await read_on.wait()

    response = await answer(request, lambda: ["空" * 100_000], Ranking((), Outcome.COMPLETE))
    assert service.bodies.used_bytes == len(response.body)
    sending = asyncio.create_task(response(request.scope, request.receive, send))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert len(sent) == 1
    read_on.set()
    await sending
    assert b"".join(message.get("body", b"") for message in sent) == response.body
    assert [message["more_body"] for message in sent[1:]] == [True] * (len(sent) - 2) + [False]
