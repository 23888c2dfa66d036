"""What a query may say: a rerank request as JSON, a part of one, or what clients send of their own accord."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jrerank.doors.pgwire.faults import NoSql, NotSpoken
from jrerank.doors.pgwire.introspection import introspection
from jrerank.doors.pgwire.messages import ANSWER, ONE, PROOF, Column, Result

_IDLE = re.compile(
    r"(rollback)\s+to\b|(select)\s+pg_advisory_unlock_all\b"
    r"|(set|reset|discard|deallocate|savepoint|release|close|unlisten)\b",
    re.IGNORECASE,
)
_ENCODING = re.compile(r"set\s+(?:session\s+)?client_encoding\s*(?:=|\bto\b)\s*['\"]?([\w-]+)", re.IGNORECASE)
_DEALLOCATE = re.compile(
    r'(?:discard\s+(?=all\b)|deallocate\s+(?:prepare\s+)?)(?:"([^"]+)"|(\w+))', re.IGNORECASE
)
ALL = "ALL"
_UTF8_NAMES = {"utf8", "unicode", "default"}
_BEGIN = re.compile(r"(begin|start\s+transaction)\b", re.IGNORECASE)
_END = re.compile(r"(commit|end|rollback|abort)\b", re.IGNORECASE)
_SELECT_1 = re.compile(r"select\s+1", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"\$1(::\w+)?|select\s+(\$1(::\w+)?|(jrerank\.)?rerank\s*\(\s*\$1(::\w+)?\s*\))", re.IGNORECASE
)

# What drivers ask a server for itself is shorter. To look at megabytes of anything else would hold up the event loop
_MOST_SQL_CHARS = 64 * 1024
_NUMBERED = re.compile(r"\$(\d{1,5})\b")
_LITERAL_BEGIN = re.compile(r"select\s+(?:jrerank\.)?rerank\s*\(\s*(e?)'", re.IGNORECASE)
_LITERAL_END = re.compile(r"'\s*(?:::\s*\w+\s*)?\)$")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PROVE = re.compile(r"PROVE ([0-9a-f]{64}) ([0-9a-f-]{36})")


@dataclass(frozen=True, slots=True)
class Rerank:
    """A request, or the last part of one."""

    json: str


@dataclass(frozen=True, slots=True)
class Part:
    """The next part of a request that is too long for one message: `+` and text."""

    json: str


@dataclass(frozen=True, slots=True)
class SessionStatement:
    """What drivers and pools send of their own accord.

    `in_transaction` is None where nothing changes; `deallocates` names a prepared statement, or is ALL.
    """

    result: Result
    in_transaction: bool | None = None
    deallocates: str = ""


@dataclass(frozen=True, slots=True)
class Prove:
    """Prove that the sidecar knows the key, and from then on answer to nobody on this connection who doesn't know `token`."""

    token: str
    nonce: str


Statement = Rerank | Part | SessionStatement | Prove


def read_statement(text: str, *, continued: bool) -> Statement:
    """What `text` says; `continued` when parts came before it, so that it need not begin like JSON.

    Raises:
        NoSql: it is SQL.
        NotSpoken: it asks for another encoding than UTF-8.
    """
    if text.startswith("+"):
        return Part(text[1:])
    if continued:
        return Rerank(text)
    sql = _bare(text)
    if sql.startswith("{"):
        return Rerank(sql)
    if proving := _PROVE.fullmatch(sql):
        return Prove(proving[1], proving[2])
    literal = _literal(sql)
    return _session_statement(sql) if literal is None else Rerank(literal)


def is_placeholder(text: str) -> bool:
    """Whether it is a statement with the whole request as its parameter: `SELECT rerank($1)`, or `$1` alone."""
    return len(text) <= _MOST_SQL_CHARS and _PLACEHOLDER.fullmatch(_bare(text)) is not None


def column_of(statement: Statement) -> Column | None:
    """What the statement's result will consist of."""
    if isinstance(statement, Rerank):
        return ANSWER
    if isinstance(statement, Prove):
        return PROOF
    return statement.result.column if isinstance(statement, SessionStatement) else None


def parameters_of(text: str) -> int:
    """How many parameters a statement has."""
    return max((int(number) for number in _NUMBERED.findall(text)), default=0)


def takes_parameters(text: str) -> bool:
    """Whether its parameters don't matter: a driver looks for something that isn't there."""
    return len(text) <= _MOST_SQL_CHARS and introspection(_bare(text)) is not None


def _literal(sql: str) -> str | None:
    """The request of a driver that puts its parameters into the text itself: `SELECT rerank('{...}')`."""
    opening, closing = _LITERAL_BEGIN.match(sql), _LITERAL_END.search(sql)
    if opening is None or closing is None or opening.end() > closing.start():
        return None
    quoted = sql[opening.end() : closing.start()]
    if "'" in quoted.replace("''", ""):
        raise NotSpoken
    text = quoted.replace("''", "'")
    return _ESCAPED.sub(r"\1", text) if opening[1] else text


def _bare(text: str) -> str:
    return text.strip().rstrip(";").rstrip()


def _session_statement(sql: str) -> SessionStatement:
    if found := _IDLE.match(sql):
        return _idle(sql, found[found.lastindex or 0].upper())
    if found := _END.match(sql):
        tag = "COMMIT" if found.group(1).upper() in {"COMMIT", "END"} else "ROLLBACK"
        return SessionStatement(Result(tag), in_transaction=False)
    if _BEGIN.match(sql):
        return SessionStatement(Result("BEGIN"), in_transaction=True)
    if _SELECT_1.fullmatch(sql):
        return SessionStatement(Result("SELECT 1", ONE, "1"))
    if (answer := introspection(sql)) is not None:
        return SessionStatement(answer)
    if sql:
        raise NoSql
    return SessionStatement(Result(""))


def _idle(sql: str, tag: str) -> SessionStatement:
    encoding = _ENCODING.match(sql)
    if encoding and encoding.group(1).lower().replace("-", "") not in _UTF8_NAMES:
        raise NotSpoken("only UTF-8 is spoken here")
    if deallocated := _DEALLOCATE.match(sql):
        return SessionStatement(Result(tag), deallocates=deallocated.group(1) or deallocated.group(2))
    return SessionStatement(Result(tag))
