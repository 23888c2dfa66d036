"""Every command and every statement of the recipes in sql/README.md, in their order, as they stand there."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from integration.postgres.servers import PostgresServer
from integration.postgres.sidecar import API_KEY
from jrerank.admin.app import app
from jrerank.admin.ports import free_port
from jrerank.stores.postgres.settings import PostgresSettings
from sidecars import RunningSidecar, running_sidecar

README = (Path(__file__).parents[3] / "sql" / "README.md").read_text(encoding="utf-8")
RECIPES = README[README.index("\n## Recipes") : README.index("\n## Reference")]
DATABASE = "recipes"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", RECIPES, re.DOTALL)


@pytest.fixture(scope="module")
def dsn(postgres18: PostgresServer) -> Iterator[str]:
    with postgres18.connect() as connection:
        connection.execute(f"create database {DATABASE}".encode())
        if connection.execute("select from pg_roles where rolname = 'app'").fetchone() is None:
            connection.execute("create role app login")
    yield postgres18.dsn(DATABASE)
    with postgres18.connect() as connection:
        connection.execute(f"drop database {DATABASE} with (force)".encode())


@pytest.fixture(scope="module")
def running(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningSidecar, int]]:
    """With the store of the recipes, whose secret lies elsewhere here."""
    folder, port = tmp_path_factory.mktemp("sidecar"), free_port()
    (folder / "dsn").write_text(dsn)
    (stores,) = re.findall(r"^JRERANK_STORES='(.*)'$", RECIPES, re.MULTILINE)
    stores = stores.replace("/run/secrets/dsn", str(folder / "dsn"))
    with running_sidecar(folder, api_keys=API_KEY, pgwire_port=str(port), stores=stores) as one:
        yield one, port


@pytest.fixture(scope="module")
def commanded(
    dsn: str, running: tuple[RunningSidecar, int], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What each command printed, run in their order."""
    sidecar, port = running
    folder, before = tmp_path_factory.mktemp("shell"), Path.cwd()
    (folder / "key").write_text(API_KEY)
    (folder / "passages.jsonl").write_text(blocks("json")[0], encoding="utf-8")
    os.chdir(folder)
    try:
        return {
            command: run(command, dsn, sidecar.url, port)
            for block in blocks("console")
            for command in block.splitlines()
        }
    finally:
        os.chdir(before)


def run(command: str, dsn: str, url: str, port: int) -> str:
    here = command.replace("http://10.0.0.7:8080", url).replace("10.0.0.7:5433", f"127.0.0.1:{port}")
    result = CliRunner().invoke(app, shlex.split(here)[1:], env={"JRERANK_POSTGRES_DSN": dsn})
    assert result.exit_code == 0, f"{command}\n{result.output}"
    return result.stdout


def test_the_commands_do_what_is_said(commanded: dict[str, str]) -> None:
    said = iter(commanded.values())
    assert "app may rerank" in next(said)
    assert "FAIL" not in next(said)
    assert "loaded    3 passages" in next(said)
    for printed in said:
        assert "3776" in printed


def test_the_statements_give_reranked_hits_to_the_application(
    commanded: dict[str, str], postgres18: PostgresServer
) -> None:
    with postgres18.connect(DATABASE) as admin:
        admin.execute("grant select on passages to app")
    granted, scored, searched, bigrams, hybrid, tsvector, by_ids = blocks("sql")
    with postgres18.connect(DATABASE) as admin:
        admin.execute("create role other_app")
        admin.execute("create extension if not exists http")
        admin.execute(granted.encode())
        *made, notes = [statement for statement in bigrams.split(";\n") if statement]
        for statement in made:
            admin.execute(statement.encode())
        admin.execute("grant select on notes to app")
    with postgres18.connect(DATABASE, "app") as connection:
        connection.execute("set jrerank.status = 'session'")
        connection.execute("set jrerank.timeout_ms = 20000")  # a loaded machine may be slow
        assert "3776" in str(rows(connection, scored)[0][1])
        status(connection, 2)
        for statement in (searched, notes):
            assert "3776" in str(rows(connection, statement)[0])
        status(connection, 2)
        prepared, executed = hybrid.split("\n\n")
        connection.execute(prepared.encode())
        assert rows(connection, executed)[0][3] == "fuji"
        status(connection, 3)
        assert rows(connection, tsvector)
        assert [row[0] for row in rows(connection, by_ids)] == ["fuji", "soba"]
        status(connection, 2)


def rows(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> list[tuple[object, ...]]:
    return connection.execute(statement.encode()).fetchall()


def status(connection: psycopg.Connection[tuple[object, ...]], scored: int) -> None:
    found = connection.execute("select outcome, scored from jrerank.rerank_status()").fetchone()
    assert found == ("complete", scored)


def test_the_sidecars_command_is_understood() -> None:
    serve = next(block for block in blocks("sh") if "jrerank-sidecar" in block)
    arguments = shlex.split(serve.partition("jrerank-sidecar")[2])
    assert CliRunner().invoke(app, ["serve", *arguments, "--help"]).exit_code == 0


def test_every_field_of_a_store_is_in_the_table() -> None:
    table = RECIPES[RECIPES.index("| field of a store") :].split("\n\n")[0]
    named = {name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert named == set(PostgresSettings.model_fields)


def test_the_example_is_jsonl() -> None:
    assert all("text" in json.loads(line) for line in blocks("json")[0].splitlines())
