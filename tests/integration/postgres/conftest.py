"""One server of each PostgreSQL release for all tests, a database for each test, and a sidecar with a key."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from integration.postgres.extensions import MissingToolError
from integration.postgres.servers import SERVERS, Database, PostgresServer, free_port
from integration.postgres.sidecar import API_KEY, KeyedSidecar
from sidecars import running_sidecar

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres15() -> Iterator[PostgresServer]:
    yield from _started(15)


@pytest.fixture(scope="session")
def postgres18() -> Iterator[PostgresServer]:
    yield from _started(18)


@pytest.fixture(scope="session", params=sorted(SERVERS))
def postgres(request: pytest.FixtureRequest) -> PostgresServer:
    """Every server in turn."""
    server: PostgresServer = request.getfixturevalue(f"postgres{request.param}")
    return server


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    name = f"test_{next(_NUMBERS)}"
    with postgres.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield Database(postgres, name)
    with postgres.connect() as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedSidecar]:
    folder, port = tmp_path_factory.mktemp("sidecar"), free_port()
    with running_sidecar(folder, api_keys=API_KEY, pgwire_port=str(port)) as running:
        yield KeyedSidecar(running, port)


def _started(major: int) -> Iterator[PostgresServer]:
    """Skips where the server can't be had, but for CI, where that is a failure."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(SERVERS[major]())
        except MissingToolError as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(error))
        yield server
