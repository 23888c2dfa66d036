from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from certificates import Certificate, make_certificate
from sidecars import RunningSidecar, running_sidecar

KEYS = ("a-key-for-tests", "鍵")
Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Secured:
    """A sidecar with TLS, and how to reach it."""

    running: RunningSidecar
    certificate: Certificate

    def conninfo(self, **more: str) -> str:
        return conninfo_of(self.running, host="localhost", hostaddr="127.0.0.1", **more)


def conninfo_of(sidecar: RunningSidecar, **more: str) -> str:
    parameters = {
        "host": "127.0.0.1",
        "port": str(sidecar.pgwire_port),
        "user": "search",
        "dbname": "jrerank",
        "password": KEYS[0],
        "connect_timeout": "10",
    }
    return psycopg.conninfo.make_conninfo(**(parameters | more))


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """The bundled model behind both doors, with two API keys, and TLS for those who ask."""
    if shutil.which("openssl") is None and os.environ.get("CI") != "true":
        pytest.skip("openssl isn't installed: run tests/install-system-packages as root")
    folder: Path = tmp_path_factory.mktemp("sidecar")
    certificate = make_certificate(folder)
    with running_sidecar(
        folder,
        api_keys=",".join(KEYS),
        pgwire_port="0",
        pgwire_tls_cert_file=str(certificate.certificate),
        pgwire_tls_key_file=str(certificate.key),
        max_body_bytes="12000000",
        max_documents="1000",
    ) as running:
        yield Secured(running, certificate)


@pytest.fixture(scope="session")
def keyless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSidecar]:
    """A sidecar without keys, for two clients."""
    folder = tmp_path_factory.mktemp("keyless")
    with running_sidecar(folder, pgwire_port="0", pgwire_max_connections="2") as running:
        yield running


@pytest.fixture(scope="session")
def sidecar(secured: Secured) -> RunningSidecar:
    return secured.running


@pytest.fixture(scope="session")
def conninfo(sidecar: RunningSidecar) -> str:
    return conninfo_of(sidecar)


@pytest.fixture
def connection(conninfo: str) -> Iterator[Connection]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection
