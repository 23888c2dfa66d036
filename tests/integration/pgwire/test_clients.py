"""What people have at hand: psycopg and psql."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Json, Jsonb

REQUEST = {
    "query": "富士山の高さ",
    "hits": [
        {"id": "a", "text": "味噌汁の作り方", "score": 7.1},
        {"id": "b", "text": "富士山の標高は3776メートルである", "score": 6.8},
    ],
}
TEXT = json.dumps(REQUEST, ensure_ascii=False)


def check(answer: dict[str, Any]) -> None:
    assert answer["outcome"] == "complete"
    assert [hit["id"] for hit in answer["hits"]] == ["b", "a"]
    assert answer["hits"][1]["first_score"] == 7.1


@pytest.mark.parametrize("autocommit", [True, False])
def test_psycopg_asks(conninfo: str, autocommit: bool) -> None:
    with psycopg.connect(conninfo, autocommit=autocommit) as connection:
        row = connection.execute(TEXT).fetchone()
    assert row is not None
    check(row[0])


def test_psql_asks(conninfo: str) -> None:
    command = ["psql", "-X", "-At", conninfo, "-c", TEXT]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, env=dict(os.environ)
    )
    check(json.loads(done.stdout))


@pytest.mark.parametrize(
    "placeholder", ["%s", "SELECT rerank(%s)", "select jrerank.rerank(%s::jsonb);", "SELECT %b"]
)
@pytest.mark.parametrize("wrap", [str, Json, Jsonb])
def test_the_request_may_be_a_parameter(
    connection: psycopg.Connection, placeholder: str, wrap: Callable[[object], object]
) -> None:
    parameter = TEXT if wrap is str else wrap(REQUEST)
    row = connection.execute(placeholder, [parameter]).fetchone()
    assert row is not None
    check(row[0])
