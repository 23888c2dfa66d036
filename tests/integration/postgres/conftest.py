"""One server of each PostgreSQL release for all tests, a database for each test, and a sidecar with a key."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from integration.postgres.extensions import MissingToolError
from integration.postgres.installed import Installed, install
from integration.postgres.liar import Liar, lying_sidecar
from integration.postgres.servers import SERVERS, Database, PostgresServer
from integration.postgres.sidecar import API_KEY, KeyedSidecar, RestartableSidecar
from integration.postgres.ways import WAYS, way_name
from sidecars import running_sidecar

_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Way:
    server: PostgresServer
    transport: str


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


@pytest.fixture(params=WAYS, ids=way_name)
def way(request: pytest.FixtureRequest) -> Way:
    """A database of one release, and the transport that it is to use."""
    major, transport = request.param
    return Way(request.getfixturevalue(f"postgres{major}"), transport)


@pytest.fixture
def database_of_way(way: Way) -> Iterator[Database]:
    with _database(way.server) as created:
        yield created


@pytest.fixture
def database_18(postgres18: PostgresServer) -> Iterator[Database]:
    with _database(postgres18) as created:
        yield created


@pytest.fixture
def installed(way: Way, sidecar: KeyedSidecar) -> Iterator[Installed]:
    """The extension, asking a sidecar that is well."""
    with _database(way.server) as database:
        yield install(database, way.transport, sidecar.address)


@pytest.fixture
def lied_to(way: Way) -> Iterator[tuple[Installed, Liar]]:
    """The extension, asking one that lies."""
    with lying_sidecar() as liar, _database(way.server) as database:
        yield install(database, way.transport, liar.address), liar


@pytest.fixture(scope="session")
def restartable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestartableSidecar]:
    running = RestartableSidecar(tmp_path_factory.mktemp("restartable"))
    try:
        yield running
    finally:
        running.kill()


@pytest.fixture
def fragile(way: Way, restartable: RestartableSidecar) -> Iterator[tuple[Installed, RestartableSidecar]]:
    """The extension, asking a sidecar that runs and may be killed."""
    restartable.start()
    with _database(way.server) as database:
        yield install(database, way.transport, restartable.address), restartable
        restartable.thaw()


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    with _database(postgres) as created:
        yield created


@pytest.fixture(scope="session")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedSidecar]:
    folder = tmp_path_factory.mktemp("sidecar")
    with running_sidecar(folder, api_keys=API_KEY, pgwire_port="0") as running:
        yield KeyedSidecar(running, running.pgwire_port)


@contextmanager
def _database(server: PostgresServer) -> Iterator[Database]:
    name = f"test_{next(_NUMBERS)}"
    with server.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield Database(server, name)
    with server.connect() as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


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
