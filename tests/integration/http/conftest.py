from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sidecars import RunningSidecar, running_sidecar

KEY = "a-key-for-tests"


@pytest.fixture(scope="session")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSidecar]:
    """The bundled model, as `jrerank-sidecar` serves it, with one API key."""
    with running_sidecar(
        tmp_path_factory.mktemp("sidecar"), api_keys=KEY, max_body_bytes="12000000"
    ) as running:
        yield running


@pytest.fixture
def http(sidecar: RunningSidecar) -> Iterator[httpx.Client]:
    with sidecar.client(KEY) as client:
        yield client
