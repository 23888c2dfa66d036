"""Rows of a table, or of a query, in PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jrerank.bulk.sources.keys import check_done, check_keys
from jrerank.bulk.sources.source import NOTHING_DONE, Done, SourceRow
from jrerank.errors import ConfigurationError, InvalidInput, Unavailable
from jrerank.stores.postgres.one_statement import one_statement

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

    Connection = psycopg.Connection[tuple[Any, ...]]

_CONNECT_TIMEOUT_S = 10
# Which one it is, under whatever address. A copy of the server's files has the same number
_DATABASE = "select current_database(), (select system_identifier from pg_control_system())"
_KIND = "select typtype from pg_type where oid = %s"
# Composite types, and pseudo-types such as `record` and its arrays
_ROW_KINDS = {"c", "p"}
# A row may have hundreds of passages
_ROWS_AT_ONCE = 16


class PostgresSource:
    """Rows in the order of a key, through a cursor in the server, in one transaction that sees one state and may not write.

    A row's columns are the fields of a JSONL row, its key is its id.
    """

    def __init__(self, dsn: str, relation: str, key: str = "id") -> None:
        """Look at the table `relation`, or run the query in the file `relation.sql`, once to count its keys.

        Raises:
            ConfigurationError: psycopg isn't installed, or the database can't be reached.
            InvalidInput: there are no such rows, or their keys give no order to go on in.
        """
        try:
            import psycopg  # noqa: F401, PLC0415  an extra
        except ImportError:
            raise ConfigurationError("psycopg is needed: pip install 'jrerank[postgres]'") from None
        self._dsn, self._name = dsn, relation
        self._rows, statement = _relation(relation)
        # With its table: a name alone would also mean a column of the result, which is text
        self._key = _identifier("jrerank_row", key)
        with self._connected() as connection:
            where = connection.execute(_DATABASE).fetchone()
            self.fingerprint = hashlib.sha256(f"{where}\0{statement}\0{key}".encode()).hexdigest()
            self._check_type(connection, key)
            columns = _text("count(*), count({key}), count(distinct {key})").format(key=self._key)
            rows, with_key, keys = self._select(connection, columns)
        check_keys(key, rows, rows - with_key, keys)
        self.size = self.rows_now = rows

    def rows(self, done: Done = NOTHING_DONE) -> Iterator[SourceRow]:
        """See `Source.rows`."""
        with self._connected() as connection:
            where = _text("true")
            if done.last_id is not None:
                self._check_done(connection, done)
                where = _text("{key} > {last}").format(key=self._key, last=_literal(done.last_id))
            columns = _text('{key}::text, row_to_json("jrerank_row")::text').format(key=self._key)
            with closing(connection.cursor(name="jrerank_bulk")) as cursor:
                cursor.itersize = _ROWS_AT_ONCE
                cursor.execute(self._query(columns, where, ordered=True))
                for number, (key, text) in enumerate(cursor, start=done.rows + 1):
                    place = f"the row of {self._name} with the key {key}"
                    yield SourceRow(number, text.encode(), number, place, key)

    def _check_type(self, connection: Connection, key: str) -> None:
        """PostgreSQL writes a row as text, but reads none, so the last key that is done could not be looked for."""
        columns = connection.execute(self._query(self._key, _text("false"))).description
        found = connection.execute(_KIND, (columns[0].type_code if columns else None,)).fetchone()
        if found is not None and found[0] in _ROW_KINDS:
            raise InvalidInput(
                f"--key {key}: it is a row of columns, behind which a run that is cut off could not go on:"
                f" make one text or one array of them, such as array[a::text, b::text] as {key}",
                field="key",
            )

    def _check_done(self, connection: Connection, done: Done) -> None:
        columns = _text("count(*), count(*) filter (where {key} = {last})")
        until = _text("{key} <= {last}")
        names = {"key": self._key, "last": _literal(done.last_id)}
        rows, last = self._select(connection, columns.format(**names), until.format(**names))
        check_done(done, rows, last)

    def _select(
        self, connection: Connection, columns: sql.Composable, where: sql.Composable | None = None
    ) -> Any:
        return connection.execute(self._query(columns, where or _text("true"))).fetchone()

    def _query(
        self, columns: sql.Composable, where: sql.Composable, *, ordered: bool = False
    ) -> sql.Composed:
        query: sql.Composed = _text('select {columns} from ({rows}) as "jrerank_row" where {where}').format(
            columns=columns, rows=self._rows, where=where
        )
        order: sql.Composed = _text(" order by {}").format(self._key)
        return query + order if ordered else query

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        import psycopg  # noqa: PLC0415  an extra

        try:
            connection = psycopg.connect(
                self._dsn,
                connect_timeout=_CONNECT_TIMEOUT_S,
                application_name="jrerank-admin bulk",
                # Else that of the database: Python reads fewer characters of EUC_JP than PostgreSQL, and of SQL_ASCII none
                client_encoding="utf8",
            )
        except psycopg.ProgrammingError:  # its message repeats parts of what may hold a password
            raise ConfigurationError(
                "--dsn is no connection string, such as postgresql://user@host/database"
            ) from None
        except psycopg.Error as error:
            raise ConfigurationError(f"the database can't be reached: {_in_one_line(error)}") from None
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        try:
            with closing(connection):
                yield connection
        except psycopg.OperationalError as error:
            raise Unavailable(f"the database: {_in_one_line(error)}; the same command goes on") from None
        except psycopg.Error as error:
            raise InvalidInput(f"{self._name}: {_in_one_line(error)}", field="input") from None


def _relation(name: str) -> tuple[sql.Composable, str]:
    """What stands behind `from`, and its text."""
    if not name.endswith(".sql"):
        table = _identifier(*name.split("."))
        return _text("select * from {}").format(table), name
    try:
        statement = one_statement(Path(name).read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{name} cannot be read: {error}", field="input") from None
    except ValueError as error:
        raise InvalidInput(f"{name} {error}", field="input") from None
    return _text(f"\n{statement}\n"), statement


def _text(text: str) -> Any:
    from psycopg import sql  # noqa: PLC0415  an extra

    return sql.SQL(text)  # of the operator's own, where it is a query


def _identifier(*names: str) -> Any:
    from psycopg import sql  # noqa: PLC0415  an extra

    return sql.Identifier(*names)


def _literal(value: str | None) -> Any:
    """Of no type: the server takes it for one of the column's."""
    from psycopg import sql  # noqa: PLC0415  an extra

    return sql.Literal(value)


def _in_one_line(error: psycopg.Error) -> str:
    return error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__
