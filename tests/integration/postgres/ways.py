"""Ways to ask: a release of PostgreSQL, and the transport. A test that is about some of them is run in those alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

WAYS = [(15, "dblink"), (18, "dblink"), (18, "http")]  # Debian has no http for its 15


def way_name(way: tuple[int, str]) -> str:
    return f"{way[0]}-{way[1]}"


def _only(wanted: Callable[[int, str], bool]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("way", [way for way in WAYS if wanted(*way)], ids=way_name, indirect=True)


over_dblink = _only(lambda _, transport: transport == "dblink")
with_icu = _only(lambda major, _: major == 15)  # the other server was built without
