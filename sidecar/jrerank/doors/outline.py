"""What a request asks for at a glance: enough to refuse it in an overload before it has cost more than its parsing, or that."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from jrerank.doors.intake import Caller
from jrerank.doors.service import Service
from jrerank.json_reader.text import WHOLE_BYTES
from jrerank.large_work import MANY_DOCUMENTS
from jrerank.scheduling.texts import QueryPassages
from jrerank.tokenization.windows import Reading

_TIMEOUT_NAME = b'"timeout_ms"'
_TIMEOUT = re.compile(rb'[{,]\s*"timeout_ms"\s*:\s*(\d{1,9})\s*[,}]')


@dataclass(frozen=True, slots=True)
class Outline:
    """Queries that all passages are scored for, read as they are by default."""

    queries: list[str]
    passages: list[str]
    timeout_ms: int | None

    @classmethod
    def of(cls, queries: Any, passages: Any, timeout_ms: Any) -> Self | None:
        """None where that takes a closer look: whatever is unusual or wrong is left to who knows what to say of it."""
        if not (_are_texts(queries) and _are_texts(passages) and all(map(str.strip, queries))):
            return None
        if (
            len(queries) * len(passages) > MANY_DOCUMENTS
        ):  # to look twice at so many would cost more than a refusal
            return None
        if timeout_ms is not None and (type(timeout_ms) is not int or timeout_ms < 1):
            return None
        return cls(queries, passages, timeout_ms)


def outline_of(body: Any) -> Outline | None:
    """Of a request in the native shape, by hits or by columns, that has been parsed and not been checked."""
    if not isinstance(body, Mapping) or body.get("max_tokens_per_doc") is not None:
        return None
    timeout_ms = body.get("timeout_ms")
    if "queries" in body:
        return Outline.of(body["queries"], body.get("texts"), timeout_ms)
    try:
        passages = [hit["text"] for hit in body["hits"]]
    except (KeyError, TypeError):
        return None
    return Outline.of([body.get("query")], passages, timeout_ms)


def refuse_early(service: Service, outline: Outline | None, caller: Caller) -> None:
    """Refuse a request that would be refused anyway, for lack of time; may be called from any thread.

    Raises:
        Overloaded: there is too much work to meet the deadline.
    """
    if outline is None:
        return
    pairs = len(outline.queries) * len(outline.passages)
    deadline = service.intake.deadline(caller, outline.timeout_ms, pairs)
    queries = [QueryPassages(query, outline.passages, Reading()) for query in outline.queries]
    service.reranker.refuse_early(queries, deadline, caller.name)


def named_timeout_ms(json: bytes) -> float | None:
    """The timeout that a request in JSON names, before it is parsed; None where it names none, infinite where only parsing tells.

    Only parsing tells it of a large body too: it would be searched on the event loop, while others wait.
    """
    if len(json) > WHOLE_BYTES:
        return math.inf
    if b"\\u00" in json or json.count(_TIMEOUT_NAME) > 1:  # a letter of the name may be escaped
        return math.inf
    place = json.find(_TIMEOUT_NAME)
    if place < 0:
        return None
    separator = len(json[:place].rstrip()) - 1
    found = _TIMEOUT.match(json, separator) if separator >= 0 else None
    return int(found[1]) if found and _is_surely_on_top(json, place, found.end(1)) else math.inf


def _is_surely_on_top(json: bytes, begin: int, end: int) -> bool:
    """Whether what stands there belongs to the outermost object: no other is opened before it, or none is closed behind it.

    Brackets in texts count too, so that it may be on top without being surely so.
    """
    opened = json.count(b"{", 0, begin) + json.count(b"[", 0, begin)
    return opened <= 1 or json.count(b"}", end) + json.count(b"]", end) <= 1


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and set(map(type, values)) == {str}
