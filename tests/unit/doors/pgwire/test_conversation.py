"""The messages of a client that has logged in."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable

import pytest

from engines import GatedEngine
from jrerank.doors.pgwire import conversation as module
from jrerank.doors.pgwire import prepared
from jrerank.doors.pgwire.conversation import Conversation
from jrerank.doors.pgwire.faults import ShuttingDown
from jrerank.doors.pgwire.kept_statements import KeptStatements
from jrerank.doors.pgwire.login import Login
from jrerank.doors.pgwire.messages import ProtocolViolation
from jrerank.doors.service import Service
from unit.doors.pgwire.conftest import Pair
from wire import Wire, fields, kinds, packet, query, sqlstate, value

REQUEST = json.dumps(
    {"query": "富士山", "hits": [{"id": "a", "text": "空"}, {"id": "b", "text": "富士山の高さ"}]}
)
SYNC, FLUSH, TERMINATE = packet(b"S"), packet(b"H"), packet(b"X")


def parse(text: str, name: str = "", oids: tuple[int, ...] = ()) -> bytes:
    types = struct.pack(f"!h{len(oids)}I", len(oids), *oids)
    return packet(b"P", name.encode() + b"\0" + text.encode() + b"\0" + types)


def bind(*values: bytes, name: str = "", result_format: int = 0) -> bytes:
    counted = struct.pack("!hh", 0, len(values)) + b"".join(struct.pack("!i", len(v)) + v for v in values)
    return packet(b"B", b"\0" + name.encode() + b"\0" + counted + struct.pack("!hh", 1, result_format))


def execute(most_rows: int = 0) -> bytes:
    return packet(b"E", b"\0" + struct.pack("!i", most_rows))


DESCRIBE_STATEMENT, DESCRIBE_PORTAL = packet(b"D", b"S\0"), packet(b"D", b"P\0")


class Talk:
    """A conversation that runs, and its client."""

    def __init__(self, pair: Pair, service: Service) -> None:
        self.conversation = Conversation(
            pair.channel, service, Login("key-1", b"secret"), KeptStatements(1_000_000)
        )
        self.client: Wire = pair.client
        self.running = asyncio.ensure_future(self.conversation.run())

    async def greeted(self) -> Talk:
        await self.client.until(b"Z")
        return self

    async def say(self, *messages: bytes) -> str:
        """The kinds of what is answered up to ReadyForQuery."""
        await self.client.send(b"".join(messages))
        return kinds(await self.client.until(b"Z"))


async def test_it_greets_with_what_clients_need_to_know(pair: Pair, service: Service) -> None:
    talk = Talk(pair, service)
    greeting = await talk.client.until(b"Z")
    told = dict(body[:-1].split(b"\0") for kind, body in greeting if kind == b"S")
    assert told[b"client_encoding"] == told[b"server_encoding"] == b"UTF8"
    assert told[b"server_version"].startswith(b"16.")
    key = next(body for kind, body in greeting if kind == b"K")
    assert key == struct.pack("!I", talk.conversation.process_id) + talk.conversation.secret
    assert greeting[0] == (b"R", bytes(4))
    assert greeting[-1] == (b"Z", b"I")


async def test_one_query_after_the_other_is_answered(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    for _ in range(3):
        replies = await talk.client.ask(REQUEST)
        assert kinds(replies) == "TDCZ"
        assert json.loads(value(replies))["outcome"] == "complete"


async def test_several_at_once_are_answered_in_turn(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    await talk.client.send(query(REQUEST) + query("SELECT 1") + query("no"))
    assert [kinds(await talk.client.until(b"Z")) for _ in range(3)] == ["TDCZ", "TDCZ", "EZ"]


async def test_an_error_leaves_it_alive_and_is_counted(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    assert sqlstate(await talk.client.ask("DROP TABLE x")) == "42601"
    assert sqlstate(await talk.client.ask("{}")) == "22023"
    await talk.client.send(packet(b"Q", b"{\xff}\0"))
    assert sqlstate(await talk.client.until(b"Z")) == "22021"
    assert kinds(await talk.client.ask(REQUEST)) == "TDCZ"
    metrics = service.metrics.exposition().decode()
    for kind in ("no_sql", "invalid_input", "not_utf8"):
        assert f'refusals_total{{door="pgwire",kind="{kind}"}} 1.0' in metrics


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_a_score_is_a_number(pair: Pair, service: Service, number: str) -> None:
    talk = await Talk(pair, service).greeted()
    hit = f'{{"id": "a", "text": "山", "score": {number}}}'
    assert sqlstate(await talk.client.ask(f'{{"query": "富士山", "hits": [{hit}]}}')) == "22023"


async def test_an_error_uses_up_the_parts_before_it(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    assert await talk.say(query("+{")) == "CZ"
    assert await talk.say(packet(b"F", b"")) == "EZ"
    assert await talk.say(query(REQUEST)) == "TDCZ"


async def test_a_query_beyond_the_limit_is_told_so_and_the_next_is_answered(
    pair: Pair, service: Service
) -> None:
    talk = await Talk(pair, service).greeted()
    too_long = packet(b"Q", b" " * (service.limits.body_bytes + 1) + b"\0")
    sending = asyncio.ensure_future(talk.client.send(too_long))
    replies = await talk.client.until(b"Z")
    await sending
    assert sqlstate(replies) == "54000"
    assert await talk.say(query(REQUEST)) == "TDCZ"


async def test_open_bodies_are_given_back(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    await talk.client.ask("+" + REQUEST)
    await talk.client.send(parse(REQUEST) + parse(REQUEST, "named") + bind() + FLUSH)
    await talk.client.until(b"2")
    await talk.client.send(TERMINATE)
    await talk.running
    assert service.bodies.used_bytes == 0


async def test_what_is_prepared_counts_among_the_open_bodies(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    with service.bodies.share() as others:
        others.take_text(service.bodies.most_bytes("") - 3_000_000)
        await talk.client.send(parse(" " * 1_000_000, "kept") + parse(" " * 1_400_000) + SYNC)
        assert sqlstate(await talk.client.until(b"Z")) == "53000"
        assert await talk.say(query("DEALLOCATE kept"), parse(" " * 1_400_000), SYNC) == "CZ"
        assert await talk.say() == "1Z"


async def test_a_large_request_that_is_prepared_is_not_kept_for_as_long_as_one_likes(
    pair: Pair, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PARTS_TIMEOUT_S", 0.05)
    talk = await Talk(pair, service).greeted()
    large = REQUEST + " " * prepared.MAX_PREPARED_BYTES
    assert await talk.say(parse(large), bind(), execute(), SYNC) == "12DCZ"
    assert await talk.say(parse("SELECT 1", "small"), SYNC) == "1Z"
    await asyncio.sleep(0.1)
    await talk.client.send(bind() + SYNC)
    assert sqlstate(await talk.client.until(b"Z")) == "26000"
    assert await talk.say(bind(name="small"), SYNC) == "2Z"


async def test_an_answer_counts_until_it_is_read(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    hits = [{"id": f"{'i' * 2000}{number}", "text": "山"} for number in range(1000)]
    large = query(json.dumps({"query": "富士山", "timeout_ms": 1, "hits": hits}))
    await talk.client.send(large)
    # While it is reranked, what is made of it counts beside it; then there are the request and its answer
    await until(lambda: 2 * len(large) < service.bodies.used_bytes < 2.5 * len(large))
    assert kinds(await talk.client.until(b"Z")) == "TDCZ"
    await until(lambda: service.bodies.used_bytes == 0)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to this")


async def test_the_state_of_the_transaction_is_told(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    assert [(await talk.client.ask(text))[-1][1] for text in ("BEGIN", "no", "COMMIT")] == [b"T", b"T", b"I"]


async def test_drivers_prepare_bind_describe_and_execute(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    asked = parse("SELECT rerank($1)", oids=(25,)) + DESCRIBE_STATEMENT
    assert await talk.say(asked, bind(REQUEST.encode()), DESCRIBE_PORTAL, execute(), SYNC) == "1tT2TDCZ"
    assert await talk.say(bind(REQUEST.encode()), execute(1), SYNC) == "2DCZ"
    assert await talk.say(parse(REQUEST, "s1"), bind(name="s1"), DESCRIBE_PORTAL, execute(), SYNC) == "12TDCZ"
    assert await talk.say(parse("BEGIN"), bind(), DESCRIBE_PORTAL, execute(), SYNC) == "12nCZ"
    assert await talk.say(parse(""), bind(), DESCRIBE_PORTAL, execute(), SYNC) == "12nIZ"
    assert await talk.say(packet(b"C", b"Ss1\0"), bind(name="s1"), SYNC) == "3EZ"


async def test_a_number_may_be_wanted_in_binary(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    await talk.client.send(parse("SELECT 1") + bind(result_format=1) + DESCRIBE_PORTAL + execute() + SYNC)
    replies = dict(await talk.client.until(b"Z"))
    assert replies[b"T"][-2:] == b"\0\1"
    assert replies[b"D"] == struct.pack("!hii", 1, 4, 1)


async def test_deallocated_is_forgotten(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    assert await talk.say(parse(REQUEST, "s1"), parse(REQUEST, "s2"), SYNC) == "11Z"
    await talk.client.ask("DEALLOCATE s1")
    assert (
        await talk.say(
            bind(name="s2"),
            SYNC,
        )
        == "2Z"
    )
    assert await talk.say(bind(name="s1"), SYNC) == "EZ"
    await talk.client.ask("DISCARD ALL")
    assert await talk.say(bind(name="s2"), SYNC) == "EZ"


async def test_after_an_error_everything_is_skipped_up_to_sync(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    assert await talk.say(parse("SELECT $1, $2", oids=(25, 25)), bind(), execute(), SYNC) == "EZ"
    assert await talk.say(parse(REQUEST), bind(), execute(), SYNC) == "12DCZ"


async def test_flush_lets_a_client_wait_for_less_than_all(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    await talk.client.send(parse(REQUEST) + FLUSH)
    assert await talk.client.read() == (b"1", b"")


async def test_answers_that_nobody_waits_for_do_not_pile_up(
    pair: Pair, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_UNSENT_BYTES", 10)
    talk = await Talk(pair, service).greeted()
    await talk.client.send(parse(REQUEST) * 3)
    assert kinds([await talk.client.read() for _ in range(3)]) == "111"


@pytest.mark.parametrize(
    "message", [packet(b"z"), packet(b"d", b"rows"), packet(b"Q", b"no end"), packet(b"B")]
)
async def test_a_broken_message_is_the_end(pair: Pair, service: Service, message: bytes) -> None:
    talk = await Talk(pair, service).greeted()
    await talk.client.send(message)
    with pytest.raises(ProtocolViolation):
        await talk.running


async def test_it_ends_when_the_client_says_so(pair: Pair, service: Service) -> None:
    talk = await Talk(pair, service).greeted()
    await talk.client.send(TERMINATE)
    await talk.running


async def test_to_finish_is_to_answer_what_was_asked(
    pair: Pair, gated_service: Service, engine: GatedEngine
) -> None:
    talk = await Talk(pair, gated_service).greeted()
    await talk.client.send(query(REQUEST) + query("SELECT 1"))
    await asyncio.to_thread(engine.started.acquire)
    assert talk.conversation.busy
    talk.conversation.finish()
    engine.permit(100)
    assert kinds(await talk.client.until(b"Z")) == "TDCZ"
    with pytest.raises(ShuttingDown):
        await talk.running


async def test_also_where_a_driver_waits_for_its_sync(
    pair: Pair, gated_service: Service, engine: GatedEngine
) -> None:
    talk = await Talk(pair, gated_service).greeted()
    await talk.client.send(parse(REQUEST) + bind() + execute() + SYNC + query("SELECT 1"))
    await asyncio.to_thread(engine.started.acquire)
    talk.conversation.finish()
    engine.permit(100)
    assert kinds(await talk.client.until(b"Z")) == "12DCZ"
    with pytest.raises(ShuttingDown):
        await talk.running


async def test_parts_are_not_kept_for_as_long_as_one_likes(
    pair: Pair, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PARTS_TIMEOUT_S", 0.05)
    talk = await Talk(pair, service).greeted()
    assert await talk.say(query("SELECT 1")) == "TDCZ"
    await asyncio.sleep(0.1)
    assert await talk.say(query("+{")) == "CZ"
    with pytest.raises(ProtocolViolation, match="no further part"):
        await talk.running


async def test_what_is_cancelled_is_an_error_and_the_next_query_is_answered(
    pair: Pair, gated_service: Service, engine: GatedEngine
) -> None:
    talk = await Talk(pair, gated_service).greeted()
    await talk.client.send(query(REQUEST))
    await asyncio.to_thread(engine.started.acquire)
    talk.conversation.cancel()
    (error, _) = await talk.client.until(b"Z")
    assert fields(error[1])["C"] == "57014"
    engine.permit(100)
    assert await talk.say(query(REQUEST)) == "TDCZ"
