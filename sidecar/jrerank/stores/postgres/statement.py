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

# libpq takes a whole result into memory before anybody can look how large it is, so the server counts. The last row that fits
# tells whether another follows; where not even the first one fits, it comes with nothing in its columns, so that it isn't missed
_BOUNDED = """select passages.*, not counted.jrerank_fits or counted.jrerank_is_followed from (
  select found.*, sum({size}) over so_far <= {most} as jrerank_fits,
    lead(true, 1, false) over so_far as jrerank_is_followed, row_number() over so_far = 1 as jrerank_is_first
  from (
{selection}
  ) as found{names} window so_far as (rows unbounded preceding)
) as counted left join lateral (select counted.*) as passages on counted.jrerank_fits
where counted.jrerank_fits or counted.jrerank_is_first"""
ADDED_COLUMNS = 4
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

    `ADDED_COLUMNS` follow, of which the last says whether there was a row more. Where not even the first row fits, the others are
    NULL in it.
    """
    selection, size, names = _of_query(settings) if settings.query is not None else _of_table(settings)
    most = sql.Literal(MAX_REPLY_BYTES)
    return sql.SQL(_BOUNDED).format(size=size, most=most, selection=selection, names=names)


def _of_query(settings: PostgresSettings) -> tuple[sql.Composable, sql.Composable, sql.Composable]:
    """The operator's own SQL, what is counted of a row, and no other names for its columns."""
    assert settings.query is not None  # noqa: S101  PostgresSettings holds one of both
    ids = _CASTS[settings.id_type]
    cast = PLACEHOLDER.sub(lambda found: ids if found[0] == _IDS else found[0], settings.query)
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
