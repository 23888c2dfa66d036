"""Messages of the PostgreSQL wire protocol 3.0, as bytes.

Source: PostgreSQL documentation, "Frontend/Backend Protocol", chapters "Message Flow" and "Message Formats".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PROTOCOL_3 = 3
JSON_OID, TEXT_OID = 114, 25
_SSL_REQUEST, _GSS_REQUEST, _CANCEL_REQUEST = 80877103, 80877104, 80877102


class ProtocolViolation(Exception):  # noqa: N818
    """The client sent what the protocol does not allow."""


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
    return Startup(code >> 16, _parameters(body[4:]))


def text_of(body: bytes) -> str:
    """The zero-terminated UTF-8 string that a message consists of.

    Raises:
        ProtocolViolation: it isn't terminated, or not UTF-8.
    """
    if not body.endswith(b"\0") or b"\0" in body[:-1]:
        raise ProtocolViolation("a string in a message ends with its only zero byte")
    try:
        return body[:-1].decode()
    except UnicodeDecodeError as error:
        raise ProtocolViolation(f"the text is not UTF-8: {error.reason} at byte {error.start}") from None


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
    return _message(b"R", struct.pack("!i", code) + data)


def parameter_status(name: str, value: str) -> bytes:
    """What the client may know of the server."""
    return _message(b"S", _string(name) + _string(value))


def backend_key_data(process_id: int, secret: bytes) -> bytes:
    """What a client needs to cancel this connection's query."""
    return _message(b"K", process_id.to_bytes(4, "big") + secret)


def ready_for_query(in_transaction: bool) -> bytes:
    """The next query may come."""
    return _message(b"Z", b"T" if in_transaction else b"I")


def error_response(sqlstate: str, message: str, *, hint: str | None = None, fatal: bool = False) -> bytes:
    """An error with its SQLSTATE."""
    severity = "FATAL" if fatal else "ERROR"
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": message, "H": hint}
    body = b"".join(code.encode() + _string(value) for code, value in fields.items() if value)
    return _message(b"E", body + b"\0")


def rows(column: str, type_oid: int, values: Sequence[str]) -> bytes:
    """A result with one column, in text format."""
    description = struct.pack("!h", 1) + _string(column) + struct.pack("!ihihih", 0, 0, type_oid, -1, -1, 0)
    return _message(b"T", description) + b"".join(_row(value) for value in values)


def command_complete(tag: str) -> bytes:
    """The query is done."""
    return _message(b"C", _string(tag))


def empty_query() -> bytes:
    """There was no query."""
    return _message(b"I", b"")


def _row(value: str) -> bytes:
    encoded = value.encode()
    return _message(b"D", struct.pack("!hi", 1, len(encoded)) + encoded)


def _parameters(body: bytes) -> dict[str, str]:
    if not body.endswith(b"\0"):
        raise ProtocolViolation("the startup parameters do not end with a zero byte")
    try:
        names = body.decode().rstrip("\0").split("\0") if body != b"\0" else []
    except UnicodeDecodeError:
        raise ProtocolViolation("the startup parameters are not UTF-8") from None
    # `options` may be empty: what is stripped at the end is put back
    values = names if len(names) % 2 == 0 else [*names, ""]
    return dict(zip(values[::2], values[1::2], strict=True))


def _string(text: str) -> bytes:
    return text.replace("\0", "").encode("utf-8", "replace") + b"\0"


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body
