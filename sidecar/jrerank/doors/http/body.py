"""A request's body: bounded, unpacked, and read as the JSON that it is meant to be."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request

from jrerank.doors.bodies import Share
from jrerank.doors.http.context import service_of
from jrerank.doors.json_text import parsed
from jrerank.errors import InputTooLong, InvalidInput, TooSlow

_BOM = b"\xef\xbb\xbf"
_CHUNK_BYTES = 64 * 1024
# 15: the largest window; 32: gzip or zlib, by the header
_WINDOW_BITS = 15 + 32


class BoundedRequest(Request):
    """Reads no more of a body than the limits allow."""

    async def read(self, share: Share) -> None:
        """Take the body in; what it needs in memory is counted as the request's share.

        Raises:
            InputTooLong: it is beyond a limit.
            InvalidInput: it is packed in another way than gzip or deflate, or is damaged.
            Overloaded: all open requests together are beyond a limit.
            TooSlow: it was not there within the default timeout.
        """
        timeout_s = service_of(self).timeout_ms / 1000
        try:
            async with asyncio.timeout(timeout_s):
                self._body = await self._bounded(share)
        except TimeoutError:
            raise TooSlow(f"the body was not there within {timeout_s:g} s") from None
        share.take_values(self._body)

    async def _bounded(self, share: Share) -> bytes:
        most, size, chunks = service_of(self).limits.body_bytes, 0, []
        async for chunk in _unpacked(self.stream(), self.headers.get("content-encoding", "identity")):
            size += len(chunk)
            if size > most:
                raise InputTooLong(f"the body is larger than {most} bytes", field="body")
            share.take_text(len(chunk))
            chunks.append(chunk)
        return b"".join(chunks).removeprefix(_BOM)

    def says_json(self) -> bool:
        """Whether the body is declared as JSON; an empty one need not be."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return (
            not self._body
            or kind == "application/json"
            or (kind[:12], kind[-5:]) == ("application/", "+json")
        )

    async def json(self) -> Any:
        """The parsed body: refuses bottomless nesting, which Python's own parser lets through.

        Raises:
            json.JSONDecodeError: it is not JSON; FastAPI makes a validation error of that.
        """
        if not hasattr(self, "_json"):
            try:
                self._json = parsed(await self.body())
            except ValueError as error:
                raise json.JSONDecodeError(str(error), "", 0) from error
        return self._json


async def _unpacked(stream: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """The body in chunks that are small however well it was packed."""
    if encoding.lower() not in {"gzip", "x-gzip", "deflate"}:
        if encoding.lower() not in {"identity", ""}:
            raise InvalidInput(
                f"content-encoding {encoding[:40]!r} is not read; send gzip, deflate or the body as it is",
                field="content-encoding",
            )
        async for chunk in stream:
            yield chunk
        return
    unpacking = zlib.decompressobj(_WINDOW_BITS)
    try:
        async for chunk in stream:
            while chunk and not unpacking.eof:
                yield unpacking.decompress(chunk, _CHUNK_BYTES)
                chunk = unpacking.unconsumed_tail  # noqa: PLW2901
    except zlib.error as error:
        raise InvalidInput(
            f"the body is not packed as its content-encoding says: {error}", field="body"
        ) from None
    if not unpacking.eof:
        raise InvalidInput("the packed body ends too early", field="body")
