"""`bench load` against the extension: what the status says of a call becomes the outcome of its request."""

from __future__ import annotations

import pytest

from integration.postgres.installed import APP, Installed
from jrerank.bench.load.record import Answer
from jrerank.bench.load.requests import LoadRequest
from jrerank.bench.load.targets import PostgresTarget, postgres_pool

REQUEST = LoadRequest(1, "富士山の高さ", ("味噌汁の作り方", "富士山の標高は3776メートルである"), 0)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("select * from jrerank.rerank(%(query)s, %(passages)s::text[])", Answer("complete", 2)),
        (
            "select * from no_such_table where %(query)s = ''",
            Answer("error", 0, 'UndefinedTable: relation "no_such_table" does not exist'),
        ),
    ],
)
async def test_a_statements_outcome(installed: Installed, statement: str, expected: Answer) -> None:
    async with postgres_pool(installed.database.dsn(APP), 2) as pool:
        assert await PostgresTarget(pool, statement).send(REQUEST) == expected
