"""What a query may say: a rerank request as JSON, a part of one, or what clients send of their own accord."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SET = re.compile(r"(set|reset|discard|deallocate)\b", re.IGNORECASE)
_BEGIN = re.compile(r"(begin|start\s+transaction)\b", re.IGNORECASE)
_END = re.compile(r"(commit|end|rollback|abort)\b", re.IGNORECASE)
_SELECT_1 = re.compile(r"select\s+1$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rerank:
    """A request, or the last part of one."""

    json: str


@dataclass(frozen=True, slots=True)
class Part:
    """The next part of a request that is too long for one message: `+` and text."""

    json: str


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction, which means nothing here, but drivers open one."""


@dataclass(frozen=True, slots=True)
class End:
    """The end of a transaction."""

    tag: str


@dataclass(frozen=True, slots=True)
class Set:
    """A session setting, which means nothing here."""

    tag: str


@dataclass(frozen=True, slots=True)
class Ping:
    """`SELECT 1`: a connection pool that looks whether the connection lives."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty query."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """SQL. There is none here."""


Statement = Rerank | Part | Begin | End | Set | Ping | Nothing | Unknown


def read_statement(text: str, *, continued: bool) -> Statement:
    """What `text` says; `continued` when parts came before it, so that it need not begin like JSON."""
    if text.startswith("+"):
        return Part(text[1:])
    if continued:
        return Rerank(text)
    stripped = text.strip().rstrip(";").rstrip()
    return Rerank(stripped) if stripped.startswith("{") else _courtesy(stripped)


def _courtesy(sql: str) -> Statement:
    if found := _END.match(sql):
        return End("COMMIT" if found.group(1).upper() in {"COMMIT", "END"} else "ROLLBACK")
    if found := _SET.match(sql):
        return Set(found.group(1).upper())
    if _BEGIN.match(sql):
        return Begin()
    if _SELECT_1.match(sql):
        return Ping()
    return Unknown() if sql else Nothing()
