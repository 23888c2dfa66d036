"""Bytes from and to one client."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest

from jrerank.doors.pgwire import channel as module
from jrerank.doors.pgwire.messages import ProtocolViolation
from jrerank.errors import Overloaded
from jrerank.fairness.caller import Owner
from unit.doors.pgwire.conftest import Pair
from wire import packet

LIMIT_BYTES = 10_000_000


def keep(size: int) -> None:
    """There is room for everything."""


class Room:
    """There is room for so much."""

    def __init__(self, size: int) -> None:
        self.left = size

    def take(self, size: int) -> None:
        if size > self.left:
            raise Overloaded("no room")
        self.left -= size


async def test_a_message_comes_whole_however_it_was_cut(pair: Pair) -> None:
    before = time.monotonic()
    reading = asyncio.ensure_future(pair.channel.message(LIMIT_BYTES, keep))
    for byte in packet(b"Q", "富士山".encode()):
        await pair.client.send(bytes([byte]))
        await asyncio.sleep(0)
    message = await reading
    assert (message.kind, message.body.decode(), message.refusal) == (b"Q", "富士山", None)
    assert before <= message.arrival <= time.monotonic()


async def test_one_larger_than_any_buffer_does_too(pair: Pair) -> None:
    body = bytes(5_000_000)
    sending = asyncio.ensure_future(pair.client.send(packet(b"Q", body)))
    assert (await pair.channel.message(LIMIT_BYTES, keep)).body == body
    await sending


async def test_what_is_too_long_is_read_to_its_end_and_the_next_message_is_not_lost(pair: Pair) -> None:
    sending = asyncio.ensure_future(pair.client.send(packet(b"Q", bytes(1_000_000)) + packet(b"S")))
    refused = await pair.channel.message(1000, keep)
    assert (refused.body, str(refused.refusal)) == (b"", "the query is larger than 1000 bytes")
    assert (await pair.channel.message(1000, keep)).kind == b"S"
    await sending


async def test_a_text_may_be_as_long_as_the_limit(pair: Pair) -> None:
    await pair.client.send(packet(b"Q", b"x" * 1000 + b"\0"))
    assert (await pair.channel.message(1000, keep)).refusal is None


async def test_so_is_what_there_is_no_room_for(pair: Pair) -> None:
    room = Room(500_000)
    sending = asyncio.ensure_future(pair.client.send(packet(b"Q", bytes(1_000_000)) + packet(b"S")))
    refused = await pair.channel.message(LIMIT_BYTES, room.take)
    assert isinstance(refused.refusal, Overloaded)
    assert (await pair.channel.message(LIMIT_BYTES, keep)).kind == b"S"
    await sending


async def test_room_is_taken_for_what_has_come_and_not_for_what_was_announced(pair: Pair) -> None:
    room = Room(LIMIT_BYTES)
    reading = asyncio.ensure_future(pair.channel.message(LIMIT_BYTES, room.take))
    await pair.client.send(b"Q" + (5_000_000).to_bytes(4, "big") + bytes(100))
    await asyncio.sleep(0.05)
    assert room.left == LIMIT_BYTES - 100
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


@pytest.mark.parametrize("length", [b"\0\0\0\0", b"\0\0\0\3", b"\xff\xff\xff\xff", b"\x80\0\0\0"])
async def test_an_impossible_length_breaks_the_protocol(pair: Pair, length: bytes) -> None:
    await pair.client.send(b"Q" + length)
    with pytest.raises(ProtocolViolation, match="length"):
        await pair.channel.message(LIMIT_BYTES, keep)


async def test_a_login_message_has_a_limit(pair: Pair) -> None:
    await pair.client.send(packet(b"", bytes(11)))
    with pytest.raises(ProtocolViolation, match="at most 10"):
        await pair.channel.body(10)


async def test_little_is_kept_of_what_a_stranger_sends_before_it_is_read(pair: Pair) -> None:
    sending = asyncio.ensure_future(pair.client.send(bytes(1_000_000)))
    held = []
    for trusted in (False, True):
        if trusted:
            pair.channel.trust("caller", 1_000_000)
            await pair.channel.exactly(module._STRANGER_CHUNK_BYTES * 3, 1_000_000)
        for _ in range(100):
            await asyncio.sleep(0)
        held.append(len(pair.channel._reader._buffer))  # type: ignore[attr-defined]
    assert held[0] <= 3 * module._STRANGER_CHUNK_BYTES
    assert 2 * module._CHUNK_BYTES < held[1] <= 3 * module._CHUNK_BYTES
    sending.cancel()


async def test_what_is_read_of_who_has_logged_in_is_for_them(pair: Pair) -> None:
    pair.channel.trust("caller", 1_000_000)
    protocol = pair.channel._socket_transport.get_protocol()
    assert protocol.owner == Owner("caller", is_known=True)  # type: ignore[attr-defined]


async def test_a_message_has_arrived_when_it_came_and_not_when_there_was_time_to_read_it(pair: Pair) -> None:
    receiving = asyncio.ensure_future(pair.channel.message(100, lambda _: None))
    await asyncio.sleep(0)
    before = time.monotonic()
    pair.channel._reader.feed_data(b"Q" + (4).to_bytes(4, "big"))
    came = time.monotonic()
    time.sleep(0.05)  # noqa: ASYNC251  as a loop that is busy with others
    assert before <= (await receiving).arrival <= came


async def test_but_not_while_the_one_before_it_was_answered(pair: Pair) -> None:
    pair.channel._reader.feed_data((b"Q" + (4).to_bytes(4, "big")) * 2)
    await pair.channel.message(100, lambda _: None)
    time.sleep(0.01)  # noqa: ASYNC251  the answer
    answered = time.monotonic()
    assert (await pair.channel.message(100, lambda _: None)).arrival >= answered


async def test_a_message_that_stops_half_way_is_not_waited_for(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MESSAGE_TIMEOUT_S", 0.05)
    await pair.client.send(packet(b"Q", b"half")[:-1])
    with pytest.raises(ProtocolViolation, match=r"did not end within 0\.05 s"):
        await pair.channel.message(LIMIT_BYTES, keep)


async def test_between_messages_there_is_no_hurry(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MESSAGE_TIMEOUT_S", 0.01)
    reading = asyncio.ensure_future(pair.channel.message(LIMIT_BYTES, keep))
    await asyncio.sleep(0.1)
    await pair.client.send(packet(b"S"))
    assert (await reading).kind == b"S"


async def test_who_leaves_is_noticed_even_behind_unread_bytes(pair: Pair) -> None:
    await pair.client.send(packet(b"Q", b"one") + packet(b"Q", b"two"))
    pair.client.writer.close()
    await asyncio.wait_for(pair.channel.gone, 5)
    assert (await pair.channel.message(LIMIT_BYTES, keep)).body == b"one"
    assert (await pair.channel.message(LIMIT_BYTES, keep)).body == b"two"
    with pytest.raises(EOFError):
        await pair.channel.message(LIMIT_BYTES, keep)


async def test_who_breaks_off_is_noticed_too(pair: Pair) -> None:
    pair.client.writer.transport.abort()
    await asyncio.wait_for(pair.channel.gone, 5)
    with pytest.raises((EOFError, ConnectionError)):
        await pair.channel.message(LIMIT_BYTES, keep)


async def test_who_leaves_within_what_is_refused_is_noticed(pair: Pair) -> None:
    await pair.client.send(packet(b"Q", bytes(100))[:-1])
    pair.client.writer.close()
    with pytest.raises(EOFError):
        await pair.channel.message(10, keep)


async def test_a_client_that_does_not_read_is_not_waited_for_for_ever(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WRITE_TIMEOUT_S", 0.05)
    monkeypatch.setattr(module, "_CLOSE_TIMEOUT_S", 0.05)
    pair.client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    with pytest.raises(EOFError, match="does not read"):
        for _ in range(1000):
            await pair.channel.send(bytes(1_000_000))
    await pair.channel.close()
    assert pair.channel._writer.transport.is_closing()


async def test_the_last_words_are_delivered_before_it_closes(pair: Pair) -> None:
    pair.channel.send_last(packet(b"E", b"bye"))
    await pair.channel.close()
    assert await pair.client.rest() == packet(b"E", b"bye")


async def test_last_words_to_a_client_that_has_gone_do_no_harm(pair: Pair) -> None:
    pair.client.writer.transport.abort()
    await pair.channel.gone
    pair.channel.send_last(b"nobody hears it")
    await pair.channel.close()


async def test_peers_have_an_address_where_there_is_one(pair: Pair) -> None:
    assert pair.channel.peer == ""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        _, writer = await asyncio.open_connection(*server.getsockname())
        assert module.Channel(module.WatchedReader(), writer).peer == "127.0.0.1"
        writer.close()
        await writer.wait_closed()
