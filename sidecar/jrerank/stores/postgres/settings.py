"""What the settings say of a store of kind `postgres`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    SecretStr,
    model_validator,
)

from jrerank.stores.postgres.ids import IdType
from jrerank.stores.postgres.one_statement import one_statement
from jrerank.stores.reading import KindSettings

DEFAULT_ID_COLUMN, DEFAULT_TEXT_COLUMNS = "id", ("text",)
PLACEHOLDER = re.compile(r"%%|%\(ids\)s")
_NOT_A_DSN = "is no connection string, such as postgresql://user@host/database or host=... dbname=..."


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _check_name(name: str) -> str:
    if not name or "\0" in name:
        raise ValueError("must be a name")
    return name


def _check_table(name: str) -> str:
    if not all(name.split(".")) or name.count(".") > 1 or "\0" in name:
        raise ValueError("must be a table's name, or schema.table; where names hold dots, write a query")
    return name


def _check_query(query: str) -> str:
    query = one_statement(query)
    if "%(ids)s" not in PLACEHOLDER.findall(query):
        raise ValueError("must ask for the ids, as in: select id, body from docs where id = any(%(ids)s)")
    if "%" in PLACEHOLDER.sub("", query):
        raise ValueError("holds a % that is not part of %(ids)s: write it twice")
    return query


def _check_dsn(dsn: SecretStr) -> SecretStr:
    try:
        conninfo_to_dict(dsn.get_secret_value())
    except psycopg.Error:  # its message repeats parts of the string
        raise ValueError(_NOT_A_DSN) from None
    return dsn


def _check_file(path: Path) -> Path:
    try:
        dsn = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot be read: {getattr(error, 'strerror', 'it is not UTF-8')}") from None
    if not dsn:
        raise ValueError("holds nothing")
    _check_dsn(SecretStr(dsn))
    return path


Name = Annotated[str, AfterValidator(_check_name)]


class PostgresSettings(KindSettings):
    """Which database, and what of its rows is a passage: columns of a table, or what a query makes of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["postgres"] = "postgres"
    dsn: Annotated[SecretStr, AfterValidator(_check_dsn)] | None = None
    dsn_file: Annotated[
        Annotated[Path, AfterValidator(_check_file)] | None,
        Field(description="holds the connection string, where that has a password"),
    ] = None
    table: Annotated[
        Annotated[str, AfterValidator(_check_table)] | None,
        Field(description="name or schema.name, as the catalog has them"),
    ] = None
    query: Annotated[
        Annotated[str, AfterValidator(_check_query)] | None,
        Field(description="in place of a table: selects ids and texts for %(ids)s; it may not write"),
    ] = None
    id_column: Annotated[Name | None, Field(description="default: id")] = None
    text_columns: Annotated[
        Annotated[tuple[Name, ...], BeforeValidator(_listed), Field(min_length=1)] | None,
        Field(description="the passage: a line for each; default: text"),
    ] = None
    id_type: IdType = "text"
    returns_text: Annotated[bool, Field(description="passages may go back to callers")] = False
    pool_size: Annotated[PositiveInt, Field(description="connections at most")] = 4

    @model_validator(mode="after")
    def _check_ways(self) -> Self:
        if (self.dsn is None) == (self.dsn_file is None):
            raise ValueError("one of dsn and dsn_file is needed")
        if (self.table is None) == (self.query is None):
            raise ValueError("one of table and query is needed")
        if self.query is not None and (self.id_column or self.text_columns):
            raise ValueError(
                "id_column and text_columns go with a table; a query selects id and texts itself"
            )
        return self

    def conninfo(self) -> str:
        """The connection string, from its field or its file."""
        if self.dsn is not None:
            return self.dsn.get_secret_value()
        assert self.dsn_file is not None  # noqa: S101  _check_ways
        return self.dsn_file.read_text(encoding="utf-8").strip()
