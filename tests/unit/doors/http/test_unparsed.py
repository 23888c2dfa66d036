"""What has been read and not parsed yet, and who has gone meanwhile."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from jrerank.doors.http.unparsed import UnparsedBytes, has_hung_up


def test_beyond_the_bound_a_read_is_small() -> None:
    unparsed = UnparsedBytes(max_bytes=100)
    large = len(unparsed.buffer())
    unparsed.add(100)
    assert unparsed.are_many
    assert 0 < len(unparsed.buffer()) <= large / 16
    unparsed.add(-1)
    assert not unparsed.are_many
    assert len(unparsed.buffer()) == large


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
async def test_a_client_that_closes_is_seen_while_nothing_is_read() -> None:
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    async with await asyncio.start_server(
        lambda _, writer: accepted.set_result(writer), "127.0.0.1"
    ) as server:
        client = socket.create_connection(server.sockets[0].getsockname())
        writer = await accepted
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.sendall(b"a" * 10_000)
        assert not has_hung_up(writer.transport)
        client.close()
        for _ in range(500):
            if has_hung_up(writer.transport):
                break
            await asyncio.sleep(0.01)
        assert has_hung_up(writer.transport)
        writer.transport.abort()


def test_a_connection_of_another_kind_is_taken_as_open() -> None:
    class OfNoSocket(asyncio.Transport):
        pass

    assert not has_hung_up(OfNoSocket())
