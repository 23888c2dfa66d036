"""A door that says the same to everybody, whatever it is sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def fixed_door(replies: bytes) -> AsyncIterator[int]:
    """Its port. At the end, everybody is waited for."""
    served = list[asyncio.Task[None]]()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.ensure_future(_serve(replies, reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as door:
        yield door.sockets[0].getsockname()[1]
        await asyncio.gather(*served)


async def _serve(replies: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        writer.write(replies)
        while await reader.read(65_536):
            pass
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
