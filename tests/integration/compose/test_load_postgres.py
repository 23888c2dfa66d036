"""The loader and the README's statement, on a real PostgreSQL and a real sidecar, which stand where compose puts its containers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from integration.compose.files import COMPOSE, compose_file
from integration.postgres.extensions import MissingToolError
from integration.postgres.servers import PostgresServer, postgres_18
from sidecars import running_sidecar

KEY = "secret-of-the-user-mapping"
LOADER = compose_file()["services"]["load-postgres"]["environment"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The secrets, and a place for temporary files."""
    folder = tmp_path_factory.mktemp("loader")
    (folder / "jrerank_api_key").write_text(KEY)
    (folder / "postgres_password").write_text("secret-of-the-superuser")
    (folder / "tmp").mkdir()
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[PostgresServer]:
    """Loaded; twice, since compose runs the loader at each `up`."""
    with ExitStack() as stack:
        sidecar = stack.enter_context(running_sidecar(folder, api_keys=KEY, pgwire_port="0"))
        try:
            started = stack.enter_context(postgres_18())
        except MissingToolError as error:
            assert os.environ.get("CI") != "true", error
            pytest.skip(str(error))
        started.psql("-c", f"CREATE DATABASE {LOADER['PGDATABASE']}")
        for _ in range(2):
            load(started, folder, f"127.0.0.1:{sidecar.pgwire_port}")
        yield started


def load(server: PostgresServer, secrets: Path, sidecar: str) -> None:
    """With `python3` and `jrerank-admin` on the path, as the image has them."""
    place = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "SIDECAR": sidecar}
    place |= {"SECRETS": str(secrets), "TMPDIR": str(secrets / "tmp")}
    done = subprocess.run(
        ["sh", COMPOSE / "load-postgres"],
        env={**os.environ, **LOADER, **place, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def readme_statements() -> list[str]:
    """The SQL of the README's psql lines: hits by hand, and search in one call."""
    readme = (COMPOSE / "README.md").read_text(encoding="utf-8")
    return re.findall(r'^docker compose exec postgres psql [^"]*-c "(.*?)"\n```', readme, re.DOTALL | re.M)


def question_vector() -> str:
    """What the README's line gives that makes it, run in a shell."""
    readme = (COMPOSE / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^vector=\$\((.*)\)$", readme, re.M)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.check_output(["sh", "-c", line], env={**os.environ, "PATH": path}, text=True).strip()


def test_the_readmes_statement_is_reranked(server: PostgresServer) -> None:
    by_hits, _ = readme_statements()
    with server.connect(LOADER["PGDATABASE"], LOADER["PGUSER"]) as connection:
        connection.execute("SET jrerank.status = 'session'")
        rows = connection.execute(by_hits).fetchall()
        status = connection.execute(
            "SELECT outcome, transport, documents FROM jrerank.rerank_status()"
        ).fetchone()
    assert [row[0] for row in rows] == [1, 2, 3]
    assert rows[0][1] == 13
    assert status == ("complete", "dblink", 22)


def test_text_and_vectors_are_searched_in_one_call(server: PostgresServer) -> None:
    _, search = readme_statements()
    with server.connect(LOADER["PGDATABASE"], LOADER["PGUSER"]) as connection:
        rows = connection.execute(search.replace("$vector", question_vector())).fetchall()
        indexed = connection.execute(
            "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%hnsw%'"
        ).fetchone()
    assert [row[0] for row in rows] == [1, 2, 3]
    assert rows[0][1].startswith("コウイカ\n十腕類の名の通り、コウイカの腕は10本あるが")
    assert indexed == (1,)


def test_the_passages_vectors_are_the_models(server: PostgresServer) -> None:
    """The one nearest to the question is the one that answers it."""
    nearest = "SELECT text FROM passages ORDER BY embedding <=> %s::vector LIMIT 1"
    with server.connect(LOADER["PGDATABASE"], LOADER["PGUSER"]) as connection:
        rows = connection.execute(nearest, (question_vector(),)).fetchall()
    assert rows[0][0].startswith("コウイカ\n十腕類の名の通り、コウイカの腕は10本あるが")


def test_no_secret_is_left_in_files_or_in_the_log(server: PostgresServer, folder: Path) -> None:
    assert not list((folder / "tmp").iterdir())
    assert "secret-of-the" not in server.log.read_text()
