"""How a client comes in, up to the moment when it may ask."""

from __future__ import annotations

import asyncio
import struct

import pytest

from jrerank.doors.pgwire import login
from jrerank.doors.pgwire.auth import Verifiers, secret_of
from jrerank.doors.pgwire.channel import WatchedReader
from jrerank.doors.pgwire.faults import Probed
from jrerank.doors.pgwire.login import Access, Login, log_in
from jrerank.doors.pgwire.messages import CancelRequest, ProtocolViolation
from jrerank.errors import NotAuthorized
from unit.doors.pgwire.conftest import Pair
from wire import ScramClient, Wire, packet, startup

OPEN = Access(None, None)
KEYED = Access(Verifiers(["a key"]), None)
ASK_FOR_TLS, ASK_FOR_GSS = packet(b"", struct.pack("!i", 80877103)), packet(b"", struct.pack("!i", 80877104))


def entering(pair: Pair, access: Access) -> asyncio.Task[Login | CancelRequest]:
    return asyncio.ensure_future(log_in(pair.channel, access))


async def prove(client: Wire, password: str) -> bytes:
    """Answer the server's challenge; what it proves in turn."""
    scram = ScramClient(password)
    assert (await client.read()) == (b"R", struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0")
    first = scram.first()
    await client.send(packet(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first))
    _, challenge = await client.read()
    await client.send(packet(b"p", scram.final(challenge[4:])))
    return scram.expected


async def test_without_keys_everybody_may_come_in(pair: Pair) -> None:
    await pair.client.send(startup(user="me", database="any"))
    assert await entering(pair, OPEN) == Login(pair.channel.peer, secret_of(""))


async def test_with_keys_one_of_them_is_asked_for(pair: Pair) -> None:
    entry = entering(pair, KEYED)
    await pair.client.send(startup(user="me"))
    expected = await prove(pair.client, "a key")
    assert await pair.client.read() == (b"R", struct.pack("!i", 12) + expected)
    proven = await entry
    assert isinstance(proven, Login)
    assert proven.caller.startswith("key-")
    assert proven.secret == secret_of("a key")


async def test_a_wrong_key_is_no_key(pair: Pair) -> None:
    entry = entering(pair, KEYED)
    await pair.client.send(startup(user="me"))
    await prove(pair.client, "another")
    with pytest.raises(NotAuthorized):
        await entry


@pytest.mark.parametrize("length", [10_001, login.PROBE_BYTES])
async def test_a_startup_that_is_a_probe_is_read_and_answered_without_a_login(
    pair: Pair, length: int
) -> None:
    entry = entering(pair, KEYED)
    await pair.client.send(struct.pack("!i", length + 4) + bytes(length))
    with pytest.raises(Probed):
        await entry


async def test_a_probe_takes_few_rounds_of_a_busy_event_loop(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, feed_data = [], WatchedReader.feed_data

    def counted(reader: WatchedReader, data: bytes) -> None:
        reads.append(len(data))
        feed_data(reader, data)

    monkeypatch.setattr(WatchedReader, "feed_data", counted)
    entry = entering(pair, KEYED)
    await pair.client.send(struct.pack("!i", login.PROBE_BYTES) + bytes(login.PROBE_BYTES))
    with pytest.raises(Probed):
        await entry
    assert len(reads) < 64


async def test_a_larger_one_is_not_read(pair: Pair) -> None:
    await pair.client.send(struct.pack("!i", login.PROBE_BYTES + 5))
    with pytest.raises(ProtocolViolation, match="at most 10000"):
        await entering(pair, KEYED)


async def test_encryption_that_is_not_there_is_refused_twice_and_then_no_more(pair: Pair) -> None:
    entry = entering(pair, OPEN)
    for request in (ASK_FOR_GSS, ASK_FOR_TLS):
        await pair.client.send(request)
        assert await pair.client.reader.readexactly(1) == b"N"
    await pair.client.send(startup(user="me"))
    await entry
    again = entering(pair, OPEN)
    await pair.client.send(ASK_FOR_TLS * 3)
    with pytest.raises(ProtocolViolation, match="without it"):
        await again


async def test_a_cancel_request_needs_no_login(pair: Pair) -> None:
    await pair.client.send(packet(b"", struct.pack("!ii", 80877102, 7) + b"1234"))
    assert await entering(pair, KEYED) == CancelRequest(7, b"1234")


@pytest.mark.parametrize(
    ("startup_message", "unknown"),
    [(startup((3 << 16) + 2, user="me"), 0), (startup(user="me", **{"_pq_.extra": "1"}), 1)],
)
async def test_a_newer_protocol_is_talked_down(pair: Pair, startup_message: bytes, unknown: int) -> None:
    await pair.client.send(startup_message)
    await entering(pair, OPEN)
    kind, body = await pair.client.read()
    assert (kind, struct.unpack("!ii", body[:8])) == (b"v", (3 << 16, unknown))


@pytest.mark.parametrize("protocol", [2 << 16, 4 << 16, 0])
async def test_another_protocol_is_not_spoken(pair: Pair, protocol: int) -> None:
    await pair.client.send(startup(protocol, user="me"))
    with pytest.raises(ProtocolViolation, match="protocol 3"):
        await entering(pair, OPEN)


@pytest.mark.parametrize(
    "answer",
    [
        packet(b"Q", b"SELECT 1\0"),
        packet(b"p", b"a password in clear text\0"),
        packet(b"p", b"SCRAM-SHA-1\0" + struct.pack("!i", 1) + b"n"),
        packet(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", 1) + b"n"),
        packet(b"p", bytes(20_000)),
    ],
)
async def test_whoever_does_not_prove_it_stays_outside(pair: Pair, answer: bytes) -> None:
    await pair.client.send(startup(user="me") + answer)
    with pytest.raises(ProtocolViolation):
        await entering(pair, KEYED)


async def test_who_takes_too_long_stays_outside(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "LOGIN_TIMEOUT_S", 0.05)
    await pair.client.send(startup(user="me"))
    with pytest.raises(ProtocolViolation, match=r"no login within 0\.05 s"):
        await entering(pair, KEYED)


async def test_who_leaves_is_not_waited_for(pair: Pair) -> None:
    await pair.client.send(startup(user="me")[:-1])
    pair.client.writer.close()
    with pytest.raises(EOFError):
        await entering(pair, OPEN)
