"""Drivers and pools that ask a server about itself when they connect."""

from __future__ import annotations

import json
import os
from typing import Any

import asyncpg
import psycopg2
import psycopg2.extras
import pytest
import sqlalchemy

import jdbc_client
from integration.pgwire.conftest import KEYS, conninfo_of
from integration.pgwire.test_clients import REQUEST, TEXT, check
from integration.postgres.clients import node_postgres
from integration.postgres.extensions import MissingToolError
from sidecars import RunningSidecar


def where(sidecar: RunningSidecar) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": sidecar.pgwire_port,
        "user": "search",
        "password": KEYS[0],
        "database": "jrerank",
    }


def test_psycopg2_puts_its_parameters_into_the_text(sidecar: RunningSidecar) -> None:
    odd = {**REQUEST, "query": "富士山の'高さ'\\は"}
    connection, answers = psycopg2.connect(conninfo_of(sidecar)), []
    with connection, connection.cursor() as cursor:
        for request in (TEXT, psycopg2.extras.Json(REQUEST), psycopg2.extras.Json(odd)):
            cursor.execute("SELECT rerank(%s)", [request])
            answers.append(cursor.fetchone()[0])
    connection.close()
    check(answers[0])
    check(answers[1])
    with sidecar.client(KEYS[0]) as http:
        over_http = http.post("/v1/hits", json=odd).json()
    assert answers[2] | {"took_ms": 0} == over_http | {"took_ms": 0}, "quotes and backslashes come through"


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_sqlalchemy(sidecar: RunningSidecar, driver: str) -> None:
    url = f"postgresql+{driver}://search:{KEYS[0]}@127.0.0.1:{sidecar.pgwire_port}/jrerank"
    engine = sqlalchemy.create_engine(url, pool_pre_ping=True)
    for _ in range(3):
        with engine.begin() as connection:
            check(
                connection.execute(sqlalchemy.text("SELECT rerank(:request)"), {"request": TEXT}).scalar_one()
            )
    engine.dispose()


async def test_asyncpg_and_its_pool(sidecar: RunningSidecar) -> None:
    async with asyncpg.create_pool(**where(sidecar), min_size=1, max_size=2) as pool:
        for _ in range(3):
            check(json.loads(await pool.fetchval("SELECT rerank($1)", TEXT)))


def test_node_postgres(sidecar: RunningSidecar) -> None:
    try:
        [[row], [_]] = node_postgres(
            where(sidecar), [("SELECT rerank($1)", [TEXT]), ("SELECT version()", [])]
        )
    except MissingToolError as error:
        _skip(error)
    else:
        check(row[0])


def test_pgjdbc_behind_hikaricp(sidecar: RunningSidecar) -> None:
    url = f"jdbc:postgresql://127.0.0.1:{sidecar.pgwire_port}/jrerank"
    try:
        answers = jdbc_client.ask(url, "search", KEYS[0], "SELECT rerank(?)", TEXT)
    except MissingToolError as error:
        _skip(error)
    else:
        assert len(answers) == 14
        for answer in answers:
            check(json.loads(answer))


def _skip(error: MissingToolError) -> None:
    if os.environ.get("CI") == "true":
        raise error
    pytest.skip(str(error))
