"""A request's body: bounded, unpacked, and read as the JSON that it is meant to be."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from fastapi import Request

from jrerank.doors.http.context import service_of, share_of
from jrerank.doors.http.hang_ups import while_there
from jrerank.doors.http.large_bodies import beside_if
from jrerank.errors import InputTooLong, InvalidInput, NotJson, TooSlow
from jrerank.json_reader.text import WHOLE_BYTES, parsed

_BOM = b"\xef\xbb\xbf"
_CHUNK_BYTES = 64 * 1024
# 15: the largest window; 32: gzip or zlib, by the header
_WINDOW_BITS = 15 + 32


class BoundedRequest(Request):
    """Reads no more of a body than the limits allow. `value` is the body as it was parsed, once it was."""

    value: Any = None
    _json: Any = None

    async def read(self) -> None:
        """Take the body in; its bytes are counted as the request's share.

        Raises:
            Abandoned: the caller has gone.
            InputTooLong: it is beyond a limit.
            InvalidInput: it is packed in another way than gzip or deflate, or is damaged.
            Overloaded: all open requests together are beyond a limit, or others' large bodies came first for too long.
            TooSlow: it was not there within the default timeout.
        """
        timeout_s = service_of(self).timeout_ms / 1000
        try:
            async with asyncio.timeout(timeout_s):
                chunks = await self._bounded()
        except TimeoutError:
            raise TooSlow(f"the body was not there within {timeout_s:g} s") from None
        if sum(map(len, chunks)) <= WHOLE_BYTES:
            self._body = _joined(chunks)
        else:
            self._body = await while_there(self, beside_if(True, self, partial(_joined, chunks)))

    async def _bounded(self) -> list[bytes]:
        most, size, chunks, share = service_of(self).limits.body_bytes, 0, [], share_of(self)
        if int(self.headers.get("content-length", "0")) > most:  # which the protocol has found to be a number
            raise InputTooLong(f"the body is larger than {most} bytes", field="body")
        async for chunk in _unpacked(self.stream(), self.headers.get("content-encoding", "identity")):
            size += len(chunk)
            if size > most:
                raise InputTooLong(f"the body is larger than {most} bytes", field="body")
            share.take_text(len(chunk))
            chunks.append(chunk)
        return chunks

    def says_json(self) -> bool:
        """Whether the body is declared as JSON; an empty one need not be."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return (
            not self._body
            or kind == "application/json"
            or (kind[:12], kind[-5:]) == ("application/", "+json")
        )

    async def parse(self, of: Callable[[Any], Any]) -> None:
        """Let `json` give what `of` makes of the body's value; a large one is parsed beside the event loop.

        Raises:
            InputTooLong, Overloaded: what it takes in memory is beyond a limit, or others' large bodies came first for too long.
            NotJson: it is not JSON.
            InvalidInput: whatever `of` raises.
        """
        if self._body:
            is_large = len(self._body) > WHOLE_BYTES
            self._json = await beside_if(is_large, self, partial(self._parsed, of))

    def _parsed(self, of: Callable[[Any], Any]) -> Any:
        try:
            value = parsed(self._body, share_of(self).take_values)
        except ValueError as error:
            raise NotJson(f"the body is not JSON: {error}") from None
        self.value = value
        return of(value)

    async def json(self) -> Any:
        """What `parse` has made of the body."""
        return self._json


def _joined(chunks: list[bytes]) -> bytes:
    """Some 30 MB take up to 50 ms, in which the interpreter's lock is not held."""
    return b"".join(chunks).removeprefix(_BOM)


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
