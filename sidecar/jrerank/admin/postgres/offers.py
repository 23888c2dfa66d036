"""What a server has, and what it lets this role do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from jrerank.errors import ConfigurationError

if TYPE_CHECKING:
    from jrerank.admin.postgres.connection import Connection

_EXTENSIONS = """
select name, default_version, installed_version from pg_available_extensions
where name in ('jrerank', 'http', 'dblink', 'vector', 'pg_textsearch')
"""
_HAS_FUNCTIONS = "select to_regprocedure('jrerank.version()') is not null"
_VERSION = "select jrerank.version()"
_WHO = """
with asking as (
    select pg_get_userbyid(p.proowner) as owner from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'jrerank' and p.proname = '_ask'
)
select current_database(), current_user, current_setting('server_version'), rolsuper, rolcreaterole or rolsuper,
    exists (select from pg_foreign_data_wrapper where fdwname = 'jrerank'),
    exists (select from pg_roles where rolname = 'jrerank_owner'),
    (select owner from asking),
    exists (select from pg_user_mappings m, asking where m.srvname = 'jrerank' and m.usename = asking.owner),
    current_schema() is not null,
    -- Before PostgreSQL 16 whoever may create roles may hand on any
    coalesce((select pg_has_role(u.oid, 'member with admin option') from pg_roles u where u.rolname = 'jrerank_user'), true)
        or rolcreaterole and current_setting('server_version_num')::int < 160000,
    exists (select from pg_user_mappings m, asking where m.srvname = 'jrerank_loopback' and m.usename = asking.owner)
from pg_roles where rolname = current_user
"""
OLDEST = 140000


@dataclass(frozen=True, slots=True)
class Extension:
    """One that `create extension` finds; `installed` is the version in this database."""

    offered: str | None
    installed: str | None


@dataclass(frozen=True, slots=True)
class Offers:
    """`functions` is the version of jrerank's functions, as an extension or without; `asks_as` the role that they ask as.

    `has_schema`: there is one that new objects go to; `may_grant_user`: this role may let others rerank;
    `has_loopback`: the functions may ask the database itself whether the network answers.
    """

    database: str
    role: str
    version: str
    is_superuser: bool
    may_create_roles: bool
    has_wrapper: bool
    has_owner: bool
    asks_as: str | None
    has_mapping: bool
    has_schema: bool
    may_grant_user: bool
    has_loopback: bool
    extensions: Mapping[str, Extension]
    functions: str | None

    def offers(self, name: str) -> bool:
        """Whether the extension can be had, or is there."""
        return name in self.extensions


def read_offers(connection: Connection) -> Offers:
    """Ask the server.

    Raises:
        ConfigurationError: it is too old.
    """
    row = connection.execute(_WHO).fetchone()
    assert row is not None  # noqa: S101  no table is asked
    if connection.info.server_version < OLDEST:
        raise ConfigurationError(f"PostgreSQL {row[2]} is too old: 14 or newer is needed")
    found = connection.execute(_EXTENSIONS).fetchall()
    names = [field.name for field in fields(Offers)][: len(row)]
    return Offers(
        **dict(zip(names, row, strict=True)),
        extensions={name: Extension(offered, installed) for name, offered, installed in found},
        functions=_functions(connection),
    )


def _functions(connection: Connection) -> str | None:
    row = connection.execute(_HAS_FUNCTIONS).fetchone()
    if row is None or not row[0]:
        return None
    version = connection.execute(_VERSION).fetchone()
    return None if version is None else str(version[0])
