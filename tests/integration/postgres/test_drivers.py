"""The calls of sql/README.md through the drivers that people have, with parameters and without a cast."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import asyncpg
import psycopg
import psycopg2
import pytest
import sqlalchemy

import jdbc_client
from integration.postgres.clients import node_postgres, transaction_pooler
from integration.postgres.extensions import SQL, MissingToolError
from integration.postgres.installed import APP, Installed, install, status
from integration.postgres.servers import Database
from integration.postgres.sidecar import KeyedSidecar
from integration.postgres.ways import WAYS, way_name

QUERY = "富士山の高さ"
DOCUMENTS = ["富士山の近くの味噌汁の店", "富士山の標高は3776メートルである"]
WINDOW = "over (rows between current row and unbounded following)"
# What is called, its parameters, and the first column of its rows
CALLS: list[tuple[str, list[Any], list[Any]]] = [
    ("select index, score, document from jrerank.rerank($1, $2)", [QUERY, DOCUMENTS], [2, 1]),
    (
        "select index, score from jrerank.rerank_json($1, $2)",
        [QUERY, json.dumps(DOCUMENTS, ensure_ascii=False)],
        [2, 1],
    ),
    (
        "select index from jrerank.rerank($1, $2, top_n => $3, timeout_ms => $4)",
        [QUERY, DOCUMENTS, 1, 20_000],
        [2],
    ),
    ("select jrerank.rerank_scores($1, $2) is not null", [QUERY, DOCUMENTS], [True]),
    ("select id from jrerank.rerank_ids($1, $2, $3)", [QUERY, "nowhere", ["b", "a"]], ["b", "a"]),
    (
        "select query_index from jrerank.rerank_many($1, $2, top_n => 1)",
        [[QUERY, "味噌汁"], DOCUMENTS],
        [1, 2],
    ),
    (
        f"select id from passages order by jrerank.rerank_score($1, text) {WINDOW} desc limit 1",
        [QUERY],
        ["2"],
    ),
    (
        "select id from jrerank.rerank_hits($1, (select jrerank.hits(jrerank.hit(id, text) order by id) from passages))",
        [QUERY],
        ["2", "1"],
    ),
    (
        "select p.id from (select array_agg(id) as ids, array_agg(text) as texts from passages) f,"
        " jrerank.rerank_hits($1, f.ids, f.texts) h join passages p on p.id = h.id order by h.rank",
        [QUERY],
        ["2", "1"],
    ),
    ("select id from jrerank.search($1, 'passages', top_n => $2)", [QUERY, 2], ["2", "1"]),
]
Rows = list[Any]
README = (SQL / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=WAYS, ids=way_name)
def installed(request: pytest.FixtureRequest, sidecar: KeyedSidecar) -> Iterator[Installed]:
    """One for all drivers: a table with bigint ids, and a session that waits long enough for a busy machine."""
    major, transport = request.param
    database = Database(request.getfixturevalue(f"postgres{major}"), f"drivers_{transport}")
    with database.server.connect() as admin:
        admin.execute(f"CREATE DATABASE {database.name}")
    made = install(database, transport, sidecar.address)
    with database.connect() as admin:
        admin.execute("CREATE TABLE passages (id bigint PRIMARY KEY, text text)")
        for number, document in enumerate(DOCUMENTS, 1):
            admin.execute("INSERT INTO passages VALUES (%s, %s)", (number, document))
        admin.execute("GRANT SELECT ON passages TO app")
        admin.execute(f"ALTER DATABASE {database.name} SET jrerank.timeout_ms = 20000")
        admin.execute(f"ALTER DATABASE {database.name} RESET jrerank.status")
    yield made
    with database.server.connect() as admin:
        admin.execute(f"DROP DATABASE {database.name} WITH (FORCE)")


def check(answers: list[Rows]) -> None:
    for (call, _, expected), rows in zip(CALLS, answers, strict=True):
        assert [str(row[0]).lower() for row in rows] == [str(value).lower() for value in expected], call


def test_psycopg(installed: Installed) -> None:
    with installed.connect() as connection:
        connection.cursor_factory = psycopg.RawCursor
        for binary in (False, True):
            check([connection.execute(call, given, binary=binary).fetchall() for call, given, _ in CALLS])


def test_a_session_that_is_strict_with_functions(installed: Installed) -> None:
    with installed.connect() as connection:
        connection.cursor_factory = psycopg.RawCursor
        connection.execute("SET plpgsql.extra_errors = 'all'")
        check([connection.execute(call, given).fetchall() for call, given, _ in CALLS])


def test_psycopg_sends_a_list_in_binary_where_it_is_asked_to(installed: Installed) -> None:
    call = "rerank(%s, %b)"
    assert call in README
    with installed.connect() as connection:
        found = connection.execute(f"select index from jrerank.{call}", (QUERY, DOCUMENTS)).fetchall()
        assert found == [(2,), (1,)]


def test_the_readme_has_the_call_with_json() -> None:
    assert re.sub(r"\$\d", "%s", CALLS[1][0]) in README


async def test_asyncpg(installed: Installed) -> None:
    server = installed.database.server
    connection = await asyncpg.connect(
        host="127.0.0.1", port=server.port, user=APP, database=installed.database.name
    )
    check([await connection.fetch(call, *given) for call, given, _ in CALLS])
    await connection.close()


def test_psycopg2(installed: Installed) -> None:
    connection = psycopg2.connect(installed.database.dsn(APP))
    answers = []
    with connection, connection.cursor() as cursor:
        for call, given, _ in CALLS:
            cursor.execute(re.sub(r"\$\d", "%s", call), given)
            answers.append(cursor.fetchall())
    connection.close()
    check(answers)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_sqlalchemy(installed: Installed, driver: str) -> None:
    server = installed.database.server
    engine = sqlalchemy.create_engine(
        f"postgresql+{driver}://{APP}@127.0.0.1:{server.port}/{installed.database.name}"
    )
    with engine.connect() as connection:
        check(
            [
                connection.execute(
                    sqlalchemy.text(re.sub(r"\$(\d)", r":p\1", call)),
                    {f"p{number}": value for number, value in enumerate(given, 1)},
                ).fetchall()
                for call, given, _ in CALLS
            ]
        )
    engine.dispose()


def test_node_postgres(installed: Installed) -> None:
    where = {
        "host": "127.0.0.1",
        "port": installed.database.server.port,
        "user": APP,
        "database": installed.database.name,
    }
    try:
        check(node_postgres(where, [(call, given) for call, given, _ in CALLS]))
    except MissingToolError as error:
        _skip(error)


def test_pgjdbc(installed: Installed) -> None:
    url = f"jdbc:postgresql://127.0.0.1:{installed.database.server.port}/{installed.database.name}"
    try:
        columns = jdbc_client.first_columns(
            url, APP, [(re.sub(r"\$\d", "?", call), given) for call, given, _ in CALLS]
        )
    except MissingToolError as error:
        _skip(error)
    else:
        check([[("true" if value == "t" else value,) for value in column] for column in columns])


def test_behind_a_pooler_nobody_hears_of_another_clients_call(installed: Installed) -> None:
    try:
        with transaction_pooler(installed.database, APP) as port:
            dsn = f"host=127.0.0.1 port={port} user={APP} dbname={installed.database.name}"
            with (
                psycopg.connect(
                    dsn, autocommit=True, prepare_threshold=None, cursor_factory=psycopg.RawCursor
                ) as one,
                psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as other,
            ):
                pids = [client.execute("SELECT pg_backend_pid()").fetchone() for client in (one, other)]
                assert pids[0] == pids[1]
                check([one.execute(call, given).fetchall() for call, given, _ in CALLS])
                assert other.execute("SELECT * FROM jrerank.rerank_status()").fetchall() == []
                with one.transaction():
                    one.execute(*CALLS[0][:2])
                    assert status(one) == ("complete", None)
    except MissingToolError as error:
        _skip(error)


def _skip(error: MissingToolError) -> None:
    if os.environ.get("CI") == "true":
        raise error
    pytest.skip(str(error))


def test_every_function_is_called() -> None:
    called = set(re.findall(r"jrerank\.(\w+)\(", json.dumps(CALLS)))
    assert called >= {
        "rerank",
        "rerank_json",
        "rerank_hits",
        "rerank_ids",
        "rerank_scores",
        "rerank_many",
        "rerank_score",
        "search",
    }
