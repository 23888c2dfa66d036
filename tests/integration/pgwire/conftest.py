from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from sidecars import RunningSidecar, running_sidecar

KEY = "a-key-for-tests"


@pytest.fixture(scope="session")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSidecar]:
    """The bundled model behind both doors, with one API key."""
    folder = tmp_path_factory.mktemp("sidecar")
    with running_sidecar(folder, api_keys=KEY, pgwire_port="0", max_body_bytes="12000000") as running:
        yield running


@pytest.fixture(scope="session")
def conninfo(sidecar: RunningSidecar) -> str:
    return f"host=127.0.0.1 port={sidecar.pgwire_port} user=search dbname=jrerank password={KEY}"


@pytest.fixture
def connection(conninfo: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection
