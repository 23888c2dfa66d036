"""The prepared statements and portals of one connection: drivers make them of whatever they ask often."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

from jrerank.doors.bodies import Share
from jrerank.doors.pgwire.extended import Bind, Named, Parse
from jrerank.doors.pgwire.faults import NotSpoken, UnknownName
from jrerank.doors.pgwire.kept_statements import KeptStatements
from jrerank.doors.pgwire.messages import decoded
from jrerank.doors.pgwire.statements import ALL, is_placeholder, parameters_of, takes_parameters
from jrerank.errors import InputTooLong, InvalidInput, JrerankError

_TEXT_OID, _JSONB_OID = 25, 3802
# Of all statements with a name, and what may be kept of others for as long as the connection lasts. Drivers keep a hundred
# statements of up to 15 KB
MAX_PREPARED_BYTES = 2 * 1024 * 1024
# What a statement or portal needs beside its texts
_OVERHEAD_BYTES = 300


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement: a query text, or one with the whole request as its parameter."""

    text: str
    type_oids: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """In memory."""
        return sys.getsizeof(self.text) + sys.getsizeof(self.type_oids) + _OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Portal:
    """A query text that is ready to run, and whether its result is wanted in binary."""

    text: str
    binary: bool

    @property
    def size_bytes(self) -> int:
        """In memory, as if no statement had the same text."""
        return sys.getsizeof(self.text) + _OVERHEAD_BYTES


class PreparedStatements:
    """By name. They count among the open bodies, as what `share` holds, until they are forgotten.

    Those with a name have at most `MAX_PREPARED_BYTES` together, and are `kept` among those of all connections. The one without a
    name may be a whole request.
    """

    def __init__(self, share: Share, kept: KeptStatements) -> None:
        self._share = share
        self._kept = kept
        self._named_bytes = 0
        self._statements: dict[str, Prepared] = {}
        self._portals: dict[str, Portal] = {}

    @property
    def is_large(self) -> bool:
        """Whether more is kept than a connection may keep for as long as it likes."""
        return self._share.used_bytes > MAX_PREPARED_BYTES

    def parse(self, parse: Parse) -> None:
        """Keep a statement.

        Raises:
            NotSpoken: it has parameters, but not the one.
            InputTooLong: that is more than is kept.
            Overloaded: there is no room as long as others keep theirs.
        """
        statement = Prepared(parse.text, self._parameters(parse))
        self._drop(parse.name)
        size = _size(parse.name, statement)
        if parse.name and self._named_bytes + size > MAX_PREPARED_BYTES:
            raise InputTooLong(f"the prepared statements take more than {MAX_PREPARED_BYTES} bytes")
        if parse.name:
            self._kept.keep(self, parse.name, size, partial(self._drop, parse.name))
        try:
            self._share.take_text(size)
        except JrerankError:
            self._kept.drop(self, parse.name)
            raise
        self._statements[parse.name] = statement
        self._named_bytes += size if parse.name else 0

    def bind(self, bind: Bind) -> None:
        """Make a portal of a statement and its value.

        Raises:
            UnknownName: there is no such statement.
            NotSpoken: there are more values than parameters, or fewer.
            InvalidInput: the value is NULL.
            NotUtf8: it is a text in another encoding.
            Overloaded: there is no room as long as others keep theirs.
        """
        statement = self.statement(bind.statement)
        if len(bind.values) != len(statement.type_oids):
            raise NotSpoken
        text = _value(bind, statement.type_oids[0]) if is_placeholder(statement.text) else statement.text
        self.forget_portals()  # one at a time is enough, and bounds what is kept
        portal = Portal(text, bind.binary_result)
        self._share.take_text(_size(bind.portal, portal))
        self._portals[bind.portal] = portal

    def statement(self, name: str) -> Prepared:
        """The statement of that name.

        Raises:
            UnknownName: there is none.
        """
        if name not in self._statements:
            raise UnknownName(f"there is no prepared statement {name!r}, or no longer: prepare it again")
        self._kept.use(self, name)
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
            self._drop_portal(named.name)
        else:
            self._drop(named.name)

    def forget_portals(self) -> None:
        """They end with their transaction."""
        for name in list(self._portals):
            self._drop_portal(name)

    def forget_unnamed(self) -> None:
        """What need not last: the statement without a name, and portals."""
        self.forget_portals()
        self._drop("")

    def forget_all(self) -> None:
        """At the connection's end."""
        self.forget_portals()
        self.forget(ALL)

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
            self._kept.drop(self, name)
            self._share.give_back(_size(name, dropped))
            self._named_bytes -= _size(name, dropped) if name else 0

    def _drop_portal(self, name: str) -> None:
        if (dropped := self._portals.pop(name, None)) is not None:
            self._share.give_back(_size(name, dropped))


def _size(name: str, kept: Prepared | Portal) -> int:
    return sys.getsizeof(name) + kept.size_bytes


def _value(bind: Bind, type_oid: int) -> str:
    value = bind.values[0]
    if value is None:
        raise InvalidInput("the request is NULL")
    # A jsonb in binary begins with its version
    return decoded(value[1:] if bind.binary[0] and type_oid == _JSONB_OID else value)
