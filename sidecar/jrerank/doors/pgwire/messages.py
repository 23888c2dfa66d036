"""Messages of the PostgreSQL wire protocol 3.0, as bytes.

Source: PostgreSQL documentation, "Frontend/Backend Protocol", chapters "Message Flow" and "Message Formats".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

PROTOCOL_3_0 = 3 << 16
_SSL_REQUEST, _GSS_REQUEST, _CANCEL_REQUEST = 80877103, 80877104, 80877102


class ProtocolViolation(Exception):  # noqa: N818
    """The client sent what the protocol does not allow."""

    kind: ClassVar[str] = "protocol_violation"


class NotUtf8(Exception):  # noqa: N818
    """The client sent a text in another encoding."""

    kind: ClassVar[str] = "not_utf8"


@dataclass(frozen=True, slots=True)
class Startup:
    """A client that wants a session, with its parameters (`user`, `database`, ...)."""

    protocol: int
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EncryptionRequest:
    """A client that asks for TLS, or for GSSAPI."""

    tls: bool


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """A client that wants another connection's query stopped."""

    process_id: int
    secret: bytes


@dataclass(frozen=True, slots=True)
class Column:
    """The only column of a result."""

    name: str
    type_oid: int


TEXT = 25
ANSWER = Column("answer", 114)  # json
PROOF = Column("proof", TEXT)
ONE = Column("?column?", 23)  # int4


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement ends with: its tag, and mostly a row where it has a column. No tag: it was empty."""

    tag: str
    column: Column | None = None
    value: str = ""
    has_row: bool = True


def parse_first(body: bytes) -> Startup | EncryptionRequest | CancelRequest:
    """The first message of a connection, without its length.

    Raises:
        ProtocolViolation: it is none of the three.
    """
    if len(body) < 4:
        raise ProtocolViolation("the first message is too short")
    code = int.from_bytes(body[:4], "big")
    if code in {_SSL_REQUEST, _GSS_REQUEST}:
        return EncryptionRequest(tls=code == _SSL_REQUEST)
    if code == _CANCEL_REQUEST:
        if len(body) != 12:
            raise ProtocolViolation("a cancel request has 12 bytes")
        return CancelRequest(int.from_bytes(body[4:8], "big"), body[8:12])
    return Startup(code, _parameters(body[4:]))


def text_of(body: bytes) -> str:
    """The zero-terminated UTF-8 string that a message consists of.

    Raises:
        ProtocolViolation: it isn't terminated.
        NotUtf8: it is in another encoding.
    """
    text, rest = split_text(body)
    if rest:
        raise ProtocolViolation("a query ends with its first zero byte")
    return text


def split_text(body: bytes) -> tuple[str, bytes]:
    """The zero-terminated UTF-8 string that `body` begins with, and what follows it.

    Raises:
        ProtocolViolation: it isn't terminated.
        NotUtf8: it is in another encoding.
    """
    text, found, rest = body.partition(b"\0")
    if not found:
        raise ProtocolViolation("a text in a message ends with a zero byte")
    return decoded(text), rest


def decoded(text: bytes) -> str:
    """UTF-8 as a string.

    Raises:
        NotUtf8: it is in another encoding.
    """
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise NotUtf8(f"the text is not UTF-8: {error.reason} at byte {error.start}") from None


def sasl_initial_response(body: bytes) -> tuple[str, bytes]:
    """Mechanism and data of a SASLInitialResponse.

    Raises:
        ProtocolViolation: it isn't one.
    """
    mechanism, found, rest = body.partition(b"\0")
    if not found or len(rest) < 4 or int.from_bytes(rest[:4], "big", signed=True) != len(rest) - 4:
        raise ProtocolViolation("a broken SASLInitialResponse")
    return mechanism.decode("ascii", "replace"), rest[4:]


def authentication(code: int, data: bytes = b"") -> bytes:
    """0: ok, 10: SASL mechanisms, 11: SASL continue, 12: SASL final."""
    return message(b"R", struct.pack("!i", code) + data)


def negotiate_version(unknown: Sequence[str]) -> bytes:
    """Only protocol 3.0 is spoken, without the extensions that the client named."""
    return message(b"v", struct.pack("!ii", PROTOCOL_3_0, len(unknown)) + b"".join(map(_string, unknown)))


def parameter_status(name: str, value: str) -> bytes:
    """What the client may know of the server."""
    return message(b"S", _string(name) + _string(value))


def backend_key_data(process_id: int, secret: bytes) -> bytes:
    """What a client needs to cancel this connection's query."""
    return message(b"K", process_id.to_bytes(4, "big") + secret)


def ready_for_query(in_transaction: bool) -> bytes:
    """The next query may come."""
    return message(b"Z", b"T" if in_transaction else b"I")


def error_response(sqlstate: str, text: str, *, hint: str | None = None, fatal: bool = False) -> bytes:
    """An error with its SQLSTATE."""
    severity = "FATAL" if fatal else "ERROR"
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": text, "H": hint}
    body = b"".join(code.encode() + _string(value) for code, value in fields.items() if value)
    return message(b"E", body + b"\0")


def row_description(column: Column, *, binary: bool = False) -> bytes:
    """What the column is called, and how its values are written."""
    shape = struct.pack("!ihihih", 0, 0, column.type_oid, -1, -1, int(binary))
    return message(b"T", struct.pack("!h", 1) + _string(column.name) + shape)


def data_row(column: Column, value: str, *, binary: bool = False) -> bytes:
    """A row. A json is the same in both formats."""
    number = binary and column.type_oid == ONE.type_oid
    encoded = struct.pack("!i", int(value)) if number else value.encode()
    return message(b"D", struct.pack("!hi", 1, len(encoded)) + encoded)


def completion(tag: str) -> bytes:
    """The statement is done."""
    return message(b"C", _string(tag)) if tag else message(b"I")


def whole_result(result: Result) -> bytes:
    """All that a simple query gets."""
    if result.column is None:
        return completion(result.tag)
    row = data_row(result.column, result.value) if result.has_row else b""
    return row_description(result.column) + row + completion(result.tag)


def message(kind: bytes, body: bytes = b"") -> bytes:
    """With its length."""
    return kind + struct.pack("!i", len(body) + 4) + body


def _parameters(body: bytes) -> dict[str, str]:
    # Pairs of zero-terminated texts, and one more zero byte
    texts = body.split(b"\0")
    if texts[-2:] != [b"", b""] or len(texts) % 2 != 0:
        raise ProtocolViolation("the startup parameters do not come in pairs, or do not end with a zero byte")
    decoded = [text.decode("utf-8", "replace") for text in texts[:-2]]
    return dict(zip(decoded[::2], decoded[1::2], strict=True))


def _string(text: str) -> bytes:
    return text.replace("\0", "").encode("utf-8", "replace") + b"\0"
