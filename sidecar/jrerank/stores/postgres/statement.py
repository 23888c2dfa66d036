"""The one statement that a store runs."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from jrerank.stores.postgres.ids import IdType
from jrerank.stores.postgres.settings import (
    DEFAULT_ID_COLUMN,
    DEFAULT_TEXT_COLUMNS,
    PLACEHOLDER,
    PostgresSettings,
)
from jrerank.stores.replies import MAX_REPLY_BYTES

# libpq takes a whole result into memory before anybody can look how large it is, so the server counts. Where the last row that fits
# is followed by another, there was more
_BOUNDED = """select passages.* from (
  select found.*, sum({size}) over (rows unbounded preceding) <= {most} as jrerank_fits,
    lead(true, 1, false) over () as jrerank_is_followed
  from (
{selection}
  ) as found{names}
) as passages where jrerank_fits"""
# The parameter is cast, never the column: that would keep its index from being used
_IDS = "%(ids)s"
_CASTS: Mapping[IdType, str] = {
    "text": "%(ids)s::text[]",
    "integer": "%(ids)s::text[]::integer[]",
    "bigint": "%(ids)s::text[]::bigint[]",
    "uuid": "%(ids)s::text[]::uuid[]",
}


def statement(settings: PostgresSettings) -> sql.Composed:
    """Selects an id and its texts for the parameter `ids`, an array of text, up to `MAX_REPLY_BYTES`.

    Two columns are added: true, and whether there was a row more.
    """
    selection, size, names = _of_query(settings) if settings.query is not None else _of_table(settings)
    most = sql.Literal(MAX_REPLY_BYTES)
    return sql.SQL(_BOUNDED).format(size=size, most=most, selection=selection, names=names)


def _of_query(settings: PostgresSettings) -> tuple[sql.Composable, sql.Composable, sql.Composable]:
    """The operator's own SQL, what is counted of a row, and no other names for its columns."""
    assert settings.query is not None  # noqa: S101  PostgresSettings holds one of both
    ids, query = _CASTS[settings.id_type], settings.query.rstrip().removesuffix(";")
    cast = PLACEHOLDER.sub(lambda found: ids if found[0] == _IDS else found[0], query)
    return sql.SQL(cast), sql.SQL("octet_length(found::text)"), sql.SQL("")


def _of_table(settings: PostgresSettings) -> tuple[sql.Composable, sql.Composable, sql.Composable]:
    """A selection of columns as text, what is counted of a row, which costs less than the row as text, and names for them."""
    assert settings.table is not None  # noqa: S101  PostgresSettings holds one of both
    columns = (settings.id_column or DEFAULT_ID_COLUMN, *(settings.text_columns or DEFAULT_TEXT_COLUMNS))
    names = [sql.Identifier(f"c{place}") for place in range(len(columns))]
    selection = sql.SQL("select {columns} from {table} where {id} = any({ids})").format(
        columns=sql.SQL(", ").join(sql.SQL("{}::text").format(_name(column)) for column in columns),
        table=_name(*settings.table.split(".")),
        id=_name(columns[0]),
        ids=sql.SQL(_CASTS[settings.id_type]),
    )
    sizes = sql.SQL(" + ").join(sql.SQL("coalesce(octet_length({}), 0)").format(name) for name in names)
    return selection, sizes, sql.SQL(" ({})").format(sql.SQL(", ").join(names))


def _name(*parts: str) -> sql.Identifier:
    return sql.Identifier(*(part.replace("%", "%%") for part in parts))  # a single one is a parameter's
