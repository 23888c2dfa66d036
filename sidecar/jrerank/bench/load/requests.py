"""The requests themselves: real Japanese text, and a query that is new each time, so that no cache answers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from itertools import cycle

from jrerank.bench.load.sizes import Size
from jrerank.evaluation.dataset import load_dataset


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """One of them; `caller` is the place of its API key."""

    number: int
    query: str
    passages: tuple[str, ...]
    caller: int


class RequestMaker:
    """Cuts passages of any length out of the set that ships.

    Every maker does so in the same way: it is `nonce` in the queries that keeps the cache of a sidecar from answering a second run.
    """

    def __init__(self, callers: int = 1, nonce: str | None = None) -> None:
        dataset = load_dataset()
        self._text = "".join("".join(dataset.passages.values()).split())
        self._questions = cycle([question.text for question in dataset.questions])
        self._callers = callers
        self._nonce = nonce or secrets.token_hex(4)
        self._at = 0
        self._number = 0

    def make(self, size: Size) -> LoadRequest:
        """The next request, for the next caller in turn."""
        self._number += 1
        passages = tuple(self._cut(size.chars) for _ in range(size.documents))
        query = f"{next(self._questions)} {self._nonce} {self._number}"
        return LoadRequest(self._number, query, passages, self._number % self._callers)

    def _cut(self, chars: int) -> str:
        if self._at + chars > len(self._text):
            self._at = 0
        begin = self._at
        self._at += chars
        return self._text[begin : self._at]
