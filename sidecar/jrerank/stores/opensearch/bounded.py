"""Replies of an engine, read as far as there is room for them; the client library reads whatever comes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from opensearchpy import AsyncHttpConnection
from opensearchpy.connection.http_async import OpenSearchClientResponse
from opensearchpy.serializer import Serializer

from jrerank.errors import JrerankError, StoreError
from jrerank.json_reader.text import WHOLE_BYTES
from jrerank.stores.replies import MAX_REPLY_BYTES, take_reply


@dataclass(slots=True)
class BoundedReply:
    """One reply. The library would take an error while it reads for a node that is down, and ask again; so it is kept."""

    size_bytes: int = 0
    error: JrerankError | None = None

    def take(self, size: int) -> bool:
        """Whether there is room for so many more bytes."""
        self.size_bytes += size
        try:
            if self.size_bytes > MAX_REPLY_BYTES:
                raise StoreError(f"the engine's reply is larger than {MAX_REPLY_BYTES} bytes")
            take_reply(size)
        except JrerankError as error:
            # Its traceback would keep the frames that read, with all that has come, until the next collection of cycles
            self.error = error.with_traceback(None)
        return self.error is None

    def check(self) -> None:
        """Raise what ended the reading."""
        if self.error is not None:
            raise self.error


_reply: ContextVar[BoundedReply] = ContextVar("reply")


@contextmanager
def bounded_reply() -> Iterator[BoundedReply]:
    """The reply to the request that is made within."""
    reply = BoundedReply()
    token = _reply.set(reply)
    try:
        yield reply
    finally:
        _reply.reset(token)


class _Response(OpenSearchClientResponse):  # type: ignore[misc]  # the library has no types
    """Gives no more of a body than there is room for."""

    async def text(self, encoding: Any = None, errors: str = "strict") -> Any:
        """The body as bytes: large ones are parsed elsewhere."""
        reply = _reply.get(BoundedReply())
        chunks = []
        async for chunk in self.content.iter_any():
            if not reply.take(len(chunk)):
                self.close()
                return b""
            chunks.append(chunk)
        if reply.size_bytes <= WHOLE_BYTES:
            return b"".join(chunks)
        return await asyncio.to_thread(b"".join, chunks)


class BoundedConnection(AsyncHttpConnection):  # type: ignore[misc]
    """Reads bounded replies, and logs no search."""

    async def _create_aiohttp_session(self) -> Any:
        await super()._create_aiohttp_session()
        self.session._response_class = _Response

    def log_request_fail(
        self, method: str, full_url: str, *more: Any, status_code: int | None = None, **known: Any
    ) -> None:
        """Log that there was no reply, without what the URL says of a search. What the engine refuses its caller is told."""
        if status_code is None:
            super().log_request_fail(method, full_url.partition("?")[0], *more, **known)


class AsSent(Serializer):  # type: ignore[misc]
    """Leaves a reply as it came."""

    def loads(self, s: Any) -> Any:
        """The reply."""
        return s


class AsText(Serializer):  # type: ignore[misc]
    """Decodes a reply that isn't JSON."""

    def loads(self, s: Any) -> Any:
        """The text."""
        return s.decode("utf-8", "replace")
