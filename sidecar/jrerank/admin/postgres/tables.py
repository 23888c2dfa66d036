"""A table of passages by the names that its statements need, each quoted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from psycopg import sql

from jrerank.errors import InvalidInput

_MAX_NAME_BYTES = 63  # PostgreSQL cuts longer ones off


@dataclass(frozen=True, slots=True)
class Table:
    """`name`, or `schema.name`, as the catalog has them."""

    parts: tuple[str, ...]

    @classmethod
    def named(cls, name: str) -> Self:
        """The table of that name.

        Raises:
            InvalidInput: it cannot be a table's name.
        """
        parts = tuple(name.split("."))
        if len(parts) > 2 or not all(parts) or any(mark in name for mark in "\0%"):
            raise InvalidInput(f"{name!r} is not a table's name, or schema.table, without %", field="table")
        if len(parts[-1].encode()) > _MAX_NAME_BYTES - len("_tokens"):
            raise InvalidInput(f"{name!r} is too long for a table's name", field="table")
        return cls(parts)

    @property
    def name(self) -> sql.Identifier:
        """As statements refer to it."""
        return sql.Identifier(*self.parts)

    @property
    def quoted(self) -> str:
        """As `regclass` reads it."""
        return ".".join('"' + part.replace('"', '""') + '"' for part in self.parts)

    def index(self, suffix: str) -> sql.Identifier:
        """Of an index, which is in its table's schema."""
        return sql.Identifier(f"{self.parts[-1]}_{suffix}")
