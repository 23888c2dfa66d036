"""What a request asks for at a glance: enough to refuse it in an overload before it has cost more than its parsing, or that."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from jrerank.doors.intake import Caller
from jrerank.doors.service import Service
from jrerank.large_work import MANY_DOCUMENTS
from jrerank.scheduling.texts import QueryPassages
from jrerank.tokenization.windows import Reading

_TIMEOUT_NAME = b'"timeout_ms"'
_TIMEOUT = re.compile(rb'"timeout_ms"\s*:\s*(\d{1,9})\s*[,}]')


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

    A quotation mark within a text is escaped, so that the name in quotation marks is never part of one.
    """
    begin = json.find(_TIMEOUT_NAME)
    if b"\\u00" in json or json.count(_TIMEOUT_NAME) > 1:  # a letter of the name may be escaped
        return math.inf
    if begin < 0:
        return None
    found = _TIMEOUT.match(json, begin)
    return int(found[1]) if found else math.inf


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and set(map(type, values)) == {str}
