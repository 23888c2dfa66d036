"""How many connections are taken from the backlog in one round."""

from __future__ import annotations

import pytest

from jrerank.doors.accepting import accepted_at_once


@pytest.mark.parametrize(("open_files", "connections"), [(2**31, 16), (256, 16), (100, 12), (4, 1)])
def test_where_few_files_may_be_open_few_connections_are_accepted_at_once(
    open_files: int, connections: int
) -> None:
    assert accepted_at_once(open_files) == connections
