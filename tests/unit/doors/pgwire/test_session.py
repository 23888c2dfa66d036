"""What statements do."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace

import pytest

from engines import GatedEngine
from held_work import held
from jrerank.doors.pgwire.auth import proof
from jrerank.doors.pgwire.faults import Cancelled, Locked, NoSql
from jrerank.doors.pgwire.login import Login
from jrerank.doors.pgwire.messages import ANSWER, Result
from jrerank.doors.pgwire.session import Session
from jrerank.doors.service import Service
from jrerank.errors import InputTooLong, InvalidInput, Overloaded

REQUEST = json.dumps(
    {"query": "富士山", "hits": [{"id": "a", "text": "空"}, {"id": "b", "text": "富士山の高さ"}]}
)
LOGIN = Login("key-1", b"secret")


def session_of(service: Service) -> Session:
    return Session(service, LOGIN, asyncio.get_running_loop().create_future())


async def run(session: Session, text: str) -> Result:
    return await session.run(session.read(text), time.monotonic())


def queued(service: Service) -> bool:
    return "jrerank_queued_pairs 0.0" not in service.metrics.exposition().decode()


async def until_queued(service: Service) -> None:
    async with asyncio.timeout(10):
        while not queued(service):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def queue_is_empty(service: Service) -> bool:
    await asyncio.sleep(0)
    return not queued(service)


async def test_a_request_is_reranked_counted_and_answered(service: Service) -> None:
    result = await run(session_of(service), REQUEST)
    answer = json.loads(result.value)
    assert (result.tag, result.column) == ("SELECT 1", ANSWER)
    assert answer["outcome"] == "complete"
    assert sorted(hit["id"] for hit in answer["hits"]) == ["a", "b"]
    assert 'requests_total{door="pgwire",outcome="complete"} 1.0' in service.metrics.exposition().decode()


async def test_several_queries_by_columns(service: Service) -> None:
    texts = ["空", "富士山の高さ"]
    result = await run(session_of(service), json.dumps({"queries": ["富士山", "空"], "texts": texts}))
    rankings = json.loads(result.value)["rankings"]
    assert [ranking["outcome"] for ranking in rankings] == ["complete", "complete"]
    assert [sorted(ranking["first_ranks"]) for ranking in rankings] == [[1, 2], [1, 2]]
    assert 'requests_total{door="pgwire",outcome="complete"} 2.0' in service.metrics.exposition().decode()


async def test_parts_make_the_same_request(service: Service) -> None:
    session = session_of(service)
    for start in range(0, len(REQUEST), 10):
        assert await run(session, "+" + REQUEST[start : start + 10]) == Result("PART")
    assert json.loads((await run(session, "")).value)["outcome"] == "complete"
    with pytest.raises(NoSql):
        session.read("the parts are used up")


async def test_a_failed_request_uses_its_parts_up_too(service: Service) -> None:
    session = session_of(service)
    await run(session, "+{")
    with pytest.raises(InvalidInput, match="not JSON"):
        await run(session, "no")
    assert json.loads((await run(session, REQUEST)).value)["outcome"] == "complete"


async def test_who_locks_a_connection_is_the_only_one_it_answers_to(service: Service) -> None:
    session, token, nonce = session_of(service), "a" * 64, "1" * 36
    assert (await run(session, f"PROVE {token} {nonce}")).value == proof(b"secret", nonce)
    assert json.loads((await run(session, REQUEST)).value)["outcome"] == "complete"
    for text in (REQUEST, "+{", f"PROVE {'b' * 64} {nonce}", REQUEST):
        with pytest.raises(Locked):
            await run(session, text)
    await run(session, f"PROVE {token} {nonce}")
    assert await run(session, "+" + REQUEST) == Result("PART")
    assert json.loads((await run(session, "")).value)["outcome"] == "complete"


async def test_a_transaction_is_remembered(service: Service) -> None:
    session = session_of(service)
    seen = []
    for text in ("BEGIN", "SAVEPOINT a", "ROLLBACK TO a", "COMMIT", "BEGIN", "ROLLBACK"):
        await run(session, text)
        seen.append(session.in_transaction)
    assert seen == [True, True, True, False, True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("{}", "query: Field required"),
        ('{"query": "a", "hits": [{"id": 1}]}', "hits.0.id"),
        ('{"query": "a", "hits": [], "top_n": 0}', "top_n"),
    ],
)
async def test_a_mistake_is_named(service: Service, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        await run(session_of(service), text)


async def test_limits_are_those_of_the_service(service: Service) -> None:
    few = replace(service, limits=replace(service.limits, documents=1))
    with pytest.raises(InputTooLong, match="hits has 2 entries; at most 1"):
        await run(session_of(few), REQUEST)
    little = replace(service, limits=replace(service.limits, open_body_bytes=600))
    with pytest.raises(InputTooLong, match="memory"):
        await run(session_of(little), REQUEST)
    with little.bodies.share() as share, pytest.raises(Overloaded):
        share.take_text(300)
        await run(session_of(little), '{"query": "", "hits": []}')


async def test_a_large_request_waits_for_others_no_longer_than_its_time(service: Service) -> None:
    large = REQUEST.replace("{", "{" + " " * 500_000, 1)
    impatient = replace(service, timeout_ms=50)
    go_on = await held(impatient.large)
    with pytest.raises(Overloaded, match=r"timeout of 0\.05 s"):
        await run(session_of(impatient), large)
    go_on.set()
    assert json.loads((await run(session_of(service), large)).value)["outcome"] == "complete"


async def test_a_cancelled_request_leaves_the_queue(gated_service: Service, engine: GatedEngine) -> None:
    session = session_of(gated_service)
    running = asyncio.ensure_future(run(session, REQUEST))
    await until_queued(gated_service)
    session.cancel()
    with pytest.raises(Cancelled):
        await running
    assert await queue_is_empty(gated_service)
    engine.permit(100)
    assert json.loads((await run(session, REQUEST)).value)["outcome"] == "complete"


async def test_with_nothing_to_cancel_nothing_is_cancelled(service: Service) -> None:
    session = session_of(service)
    session.cancel()
    assert (await run(session, REQUEST)).tag == "SELECT 1"
    session.cancel()
    assert (await run(session, REQUEST)).tag == "SELECT 1"


async def test_who_leaves_costs_nothing_more(gated_service: Service) -> None:
    gone = asyncio.get_running_loop().create_future()
    session = Session(gated_service, LOGIN, gone)
    running = asyncio.ensure_future(run(session, REQUEST))
    await until_queued(gated_service)
    gone.set_result(None)
    with pytest.raises(EOFError):
        await running
    assert await queue_is_empty(gated_service)
    assert 'door="pgwire",outcome="abandoned"' in gated_service.metrics.exposition().decode()


async def test_an_end_from_outside_is_no_cancel_request(gated_service: Service) -> None:
    running = asyncio.ensure_future(run(session_of(gated_service), REQUEST))
    await until_queued(gated_service)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await queue_is_empty(gated_service)


async def test_the_timeout_counts_from_the_arrival(gated_service: Service, engine: GatedEngine) -> None:
    session = session_of(gated_service)
    statement = session.read(json.dumps({**json.loads(REQUEST), "timeout_ms": 1000}))
    answer = json.loads((await session.run(statement, time.monotonic() - 1)).value)
    assert (answer["outcome"], answer["reason"]) == ("passthrough", "deadline")
    assert answer["took_ms"] >= 1000
