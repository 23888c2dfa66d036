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

# The parameter is cast, never the column: that would keep its index from being used
_IDS = "%(ids)s"
_CASTS: Mapping[IdType, str] = {
    "text": "%(ids)s::text[]",
    "integer": "%(ids)s::text[]::integer[]",
    "bigint": "%(ids)s::text[]::bigint[]",
    "uuid": "%(ids)s::text[]::uuid[]",
}


def statement(settings: PostgresSettings) -> sql.SQL | sql.Composed:
    """Selects an id and its texts for the parameter `ids`, an array of text."""
    ids = _CASTS[settings.id_type]
    if settings.query is not None:  # the operator's own SQL
        return sql.SQL(PLACEHOLDER.sub(lambda found: ids if found[0] == _IDS else found[0], settings.query))
    assert settings.table is not None  # noqa: S101  PostgresSettings holds one of both
    columns = (settings.id_column or DEFAULT_ID_COLUMN, *(settings.text_columns or DEFAULT_TEXT_COLUMNS))
    return sql.SQL("select {columns} from {table} where {id} = any({ids})").format(
        columns=sql.SQL(", ").join(sql.SQL("{}::text").format(_name(column)) for column in columns),
        table=_name(*settings.table.split(".")),
        id=_name(columns[0]),
        ids=sql.SQL(ids),
    )


def _name(*parts: str) -> sql.Identifier:
    return sql.Identifier(*(part.replace("%", "%%") for part in parts))  # a single one is a parameter's
