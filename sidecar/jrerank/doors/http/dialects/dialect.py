"""A dialect as data: what it calls the parts of a request, how it writes an answer, the shape of its errors."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from jrerank.doors.http.error_shapes import ErrorShape

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A document in an answer: its place in the request, from 0, its score, and itself as it was sent and as it was read."""

    index: int
    score: float
    document: Any
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a dialect writes.

    `rows` are in the dialect's order, at most `top_n`; `tokens` is what the model has read; `echo` says whether the request wants
    its documents back, None where it leaves that to the dialect.
    """

    rows: Sequence[Row]
    documents: int
    tokens: int
    model: str
    path: str
    echo: bool | None
    took_ms: float = 0.0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: int = field(default_factory=lambda: int(time.time()))


@dataclass(frozen=True, slots=True)
class Dialect:
    """One shape of a rerank API.

    Attributes:
        name: the label `door` in metrics and logs.
        request: for each part of `fields.PARTS` that the dialect has, its names on the wire; a dot leads into an object.
        defaults: of parts that a request leaves out.
        order: `rank` has the best first and at most `top_n`; `input` has every document in its place. Such a dialect may
            send many queries, one for each document.
        answer: writes the body.
    """

    name: str
    summary: str
    paths: tuple[str, ...]
    request: Mapping[str, tuple[str, ...]]
    answer: Callable[[Answer], object]
    errors: ErrorShape
    order: Literal["rank", "input"] = "rank"
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, body: Mapping[str, Any]) -> bool:
        """Whether a body names its documents as this dialect does."""
        return any(name.partition(".")[0] in body for name in self.request["documents"])
