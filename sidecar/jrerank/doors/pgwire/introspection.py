"""What drivers and pools ask of a server by themselves when they connect: settings, the version, types."""

from __future__ import annotations

import re

from jrerank.doors.pgwire.messages import TEXT, Column, Result

# What a client is told when it comes in
PARAMETERS = {
    "server_version": "16.0 (jrerank)",
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",  # without it, dblink sends a SET first
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
}
_SETTINGS = {name.lower(): value for name, value in PARAMETERS.items()} | {
    "application_name": "",
    "extra_float_digits": "1",
    "max_identifier_length": "63",
    "search_path": '"$user", public',
    "server_version_num": "160000",
    "statement_timeout": "0",
    "transaction_isolation": "read committed",
    "transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
}
_ALIASES = {"transaction isolation level": "transaction_isolation", "time zone": "timezone"}
_SHOW = re.compile(r'show\s+"?([\w. ]+?)"?', re.IGNORECASE)
_FUNCTION = re.compile(
    r"select\s+(?:pg_catalog\.)?(?:(version|current_schema|current_database)\s*\(\s*\)|(current_user))",
    re.IGNORECASE,
)
_VALUES = {
    "version": "PostgreSQL 16.0 (jrerank: reranks requests that are JSON)",
    "current_schema": "public",
    "current_database": "jrerank",
    "current_user": "jrerank",
}
# A driver that looks for the types of an extension takes no row for "it isn't there"
_CATALOG = re.compile(
    r"(?:select|with)\b.*\bfrom\s+(?:pg_catalog\.)?pg_(?:type|range)\b", re.IGNORECASE | re.DOTALL
)


def introspection(sql: str) -> Result | None:
    """The answer, or None where `sql` asks for nothing of the kind."""
    if shown := _SHOW.fullmatch(sql):
        name = _ALIASES.get(" ".join(shown[1].lower().split()), shown[1].lower())
        return None if name not in _SETTINGS else _text("SHOW", name, _SETTINGS[name])
    if called := _FUNCTION.fullmatch(sql):
        name = (called[1] or called[2]).lower()
        return _text("SELECT 1", name, _VALUES[name])
    return Result("SELECT 0", Column("oid", TEXT), has_row=False) if _CATALOG.match(sql) else None


def _text(tag: str, name: str, value: str) -> Result:
    return Result(tag, Column(name, TEXT), value)
