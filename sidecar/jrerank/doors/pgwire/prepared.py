"""The prepared statements and portals of one connection: drivers make them of whatever they ask often."""

from __future__ import annotations

from dataclasses import dataclass

from jrerank.doors.pgwire.extended import Bind, Named, Parse
from jrerank.doors.pgwire.faults import NotSpoken, UnknownName
from jrerank.doors.pgwire.messages import decoded
from jrerank.doors.pgwire.statements import ALL, is_placeholder, parameters_of, takes_parameters
from jrerank.errors import InputTooLong, InvalidInput

_TEXT_OID, _JSONB_OID = 25, 3802
# What a statement needs beside its texts
_OVERHEAD_CHARS = 200


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement: a query text, or one with the whole request as its parameter."""

    text: str
    type_oids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Portal:
    """A query text that is ready to run, and whether its result is wanted in binary."""

    text: str
    binary: bool


class PreparedStatements:
    """By name. Together their texts have at most `limit_chars`."""

    def __init__(self, limit_chars: int) -> None:
        self._limit_chars = limit_chars
        self._kept_chars = 0
        self._statements: dict[str, Prepared] = {}
        self._portals: dict[str, Portal] = {}

    def parse(self, parse: Parse) -> None:
        """Keep a statement.

        Raises:
            NotSpoken: it has parameters, but not the one.
            InputTooLong: that is more than is kept.
        """
        oids = self._parameters(parse)
        self._drop(parse.name)
        if self._kept_chars + _chars(parse.name, parse.text) > self._limit_chars:
            raise InputTooLong(f"the prepared statements have more than {self._limit_chars} characters")
        self._statements[parse.name] = Prepared(parse.text, oids)
        self._kept_chars += _chars(parse.name, parse.text)

    def bind(self, bind: Bind) -> None:
        """Make a portal of a statement and its value.

        Raises:
            UnknownName: there is no such statement.
            NotSpoken: there are more values than parameters, or fewer.
            InvalidInput: the value is NULL.
            NotUtf8: it is a text in another encoding.
        """
        statement = self.statement(bind.statement)
        if len(bind.values) != len(statement.type_oids):
            raise NotSpoken
        text = _value(bind, statement.type_oids[0]) if is_placeholder(statement.text) else statement.text
        self._portals.clear()  # one at a time is enough, and bounds what is kept
        self._portals[bind.portal] = Portal(text, bind.binary_result)

    def statement(self, name: str) -> Prepared:
        """The statement of that name.

        Raises:
            UnknownName: there is none.
        """
        if name not in self._statements:
            raise UnknownName(f"there is no prepared statement {name!r}")
        return self._statements[name]

    def portal(self, name: str) -> Portal:
        """The portal of that name.

        Raises:
            UnknownName: there is none.
        """
        if name not in self._portals:
            raise UnknownName(f"there is no portal {name!r}")
        return self._portals[name]

    def close(self, named: Named) -> None:
        """Forget one, if there is one."""
        if named.portal:
            self._portals.pop(named.name, None)
        else:
            self._drop(named.name)

    def forget_portals(self) -> None:
        """They end with their transaction."""
        self._portals.clear()

    def forget(self, name: str) -> None:
        """The statement of that name, or ALL."""
        for one in list(self._statements) if name.upper() == ALL else [name]:
            self._drop(one)

    def _parameters(self, parse: Parse) -> tuple[int, ...]:
        count = 1 if is_placeholder(parse.text) else 0
        if takes_parameters(parse.text):
            count = max(parameters_of(parse.text), len(parse.type_oids))
        elif len(parse.type_oids) > count:
            raise NotSpoken
        given = (*parse.type_oids, *[0] * count)[:count]
        return tuple(oid or _TEXT_OID for oid in given)

    def _drop(self, name: str) -> None:
        if (dropped := self._statements.pop(name, None)) is not None:
            self._kept_chars -= _chars(name, dropped.text)


def _chars(name: str, text: str) -> int:
    return len(name) + len(text) + _OVERHEAD_CHARS


def _value(bind: Bind, type_oid: int) -> str:
    value = bind.values[0]
    if value is None:
        raise InvalidInput("the request is NULL")
    # A jsonb in binary begins with its version
    return decoded(value[1:] if bind.binary[0] and type_oid == _JSONB_OID else value)
