"""The messages of an extended query, which drivers send for statements with parameters or prepared ones.

Source: PostgreSQL documentation, "Frontend/Backend Protocol", chapter "Message Formats".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from jrerank.doors.pgwire.messages import ProtocolViolation, message, split_text

PARSE_COMPLETE, BIND_COMPLETE, CLOSE_COMPLETE, NO_DATA = map(message, (b"1", b"2", b"3", b"n"))


@dataclass(frozen=True, slots=True)
class Parse:
    """Prepare a statement; no name: until the next one without a name."""

    name: str
    text: str
    type_oids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Bind:
    """Make a portal: a prepared statement with values (None: NULL). `binary_result` of the only column."""

    portal: str
    statement: str
    binary: Sequence[bool]
    values: Sequence[bytes | None]
    binary_result: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A statement or a portal: to describe, or to close."""

    portal: bool
    name: str


def parse_parse(body: bytes) -> Parse:
    """A Parse message.

    Raises:
        ProtocolViolation: it is broken.
        NotUtf8: its text is in another encoding.
    """
    name, rest = split_text(body)
    text, rest = split_text(rest)
    oids, rest = _numbers(rest, "I")
    _end(rest)
    return Parse(name, text, oids)


def parse_bind(body: bytes) -> Bind:
    """A Bind message.

    Raises:
        ProtocolViolation: it is broken.
    """
    portal, rest = split_text(body)
    statement, rest = split_text(rest)
    formats, rest = _numbers(rest, "h")
    values, rest = _values(rest)
    result_formats, rest = _numbers(rest, "h")
    _end(rest)
    return Bind(portal, statement, _binary(formats, len(values)), values, any(result_formats))


def parse_named(body: bytes) -> Named:
    """A Describe or Close message.

    Raises:
        ProtocolViolation: it is broken.
    """
    if body[:1] not in {b"S", b"P"}:
        raise ProtocolViolation("a statement (S) or a portal (P) is described or closed")
    name, rest = split_text(body[1:])
    _end(rest)
    return Named(body[:1] == b"P", name)


def parse_execute(body: bytes) -> str:
    """The portal of an Execute message. No result has more than one row, so that the most rows wanted don't matter.

    Raises:
        ProtocolViolation: it is broken.
    """
    portal, rest = split_text(body)
    if len(rest) != 4:
        raise ProtocolViolation("a broken Execute message")
    return portal


def parameter_description(type_oids: Sequence[int]) -> bytes:
    """The types of a statement's parameters."""
    return message(b"t", struct.pack(f"!h{len(type_oids)}I", len(type_oids), *type_oids))


def _binary(formats: Sequence[int], values: int) -> Sequence[bool]:
    # None: all are text; one: it is that of all
    each = list(formats) * values if len(formats) == 1 else formats or [0] * values
    if len(each) != values:
        raise ProtocolViolation("a Bind message with more or fewer formats than values")
    return [bool(one) for one in each]


def _numbers(body: bytes, code: str) -> tuple[tuple[int, ...], bytes]:
    count, rest = _count(body)
    size = struct.calcsize(f"!{count}{code}")
    if len(rest) < size:
        raise ProtocolViolation("a message is shorter than it says")
    return struct.unpack(f"!{count}{code}", rest[:size]), rest[size:]


def _values(body: bytes) -> tuple[list[bytes | None], bytes]:
    count, rest = _count(body)
    values: list[bytes | None] = []
    for _ in range(count):
        length = int.from_bytes(rest[:4], "big", signed=True)
        if len(rest) < 4 + max(length, 0) or length < -1:
            raise ProtocolViolation("a value is shorter than it says")
        values.append(rest[4 : 4 + length] if length >= 0 else None)
        rest = rest[4 + max(length, 0) :]
    return values, rest


def _count(body: bytes) -> tuple[int, bytes]:
    count = int.from_bytes(body[:2], "big")
    if len(body) < 2 or count > 0x7FFF:
        raise ProtocolViolation("a message is shorter than it says")
    return count, body[2:]


def _end(rest: bytes) -> None:
    if rest:
        raise ProtocolViolation("a message is longer than it says")
