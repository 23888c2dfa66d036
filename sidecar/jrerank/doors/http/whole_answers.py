"""An answer's head goes out with its body: as two writes they are two system calls, and the client wakes up twice."""

from __future__ import annotations

import asyncio


class WholeAnswers:
    """What uvicorn knows of a transport while it answers a request.

    The head is kept until the body comes, or the loop's next round.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._kept: bytes | None = None
        self._is_begun = False

    def write(self, data: bytes) -> None:
        """Write what was kept and this; keep it if it is the first."""
        if self._is_begun:
            self._transport.write(self._taken() + data)
            return
        self._is_begun, self._kept = True, data
        asyncio.get_running_loop().call_soon(self._flush)

    def close(self) -> None:
        """Close behind what was kept."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether nothing more may be written."""
        return self._transport.is_closing()

    def _flush(self) -> None:
        if self._kept:
            self._transport.write(self._taken())

    def _taken(self) -> bytes:
        kept, self._kept = self._kept or b"", None
        return kept
