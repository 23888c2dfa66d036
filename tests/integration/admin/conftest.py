"""A sidecar with a key, shared by the tests of what `jrerank-admin` sets up, and the command line itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from jrerank.admin.app import app
from sidecars import RunningSidecar, running_sidecar

KEY = "a-key-of-the-sidecar"
Run = Callable[..., Result]


@pytest.fixture(scope="session")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSidecar]:
    """The bundled model."""
    with running_sidecar(tmp_path_factory.mktemp("sidecar"), api_keys=KEY) as running:
        yield running


@pytest.fixture(scope="session")
def keyless_sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSidecar]:
    """Another one, which looks at no key."""
    with running_sidecar(tmp_path_factory.mktemp("keyless")) as running:
        yield running


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `jrerank-admin`: `admin("opensearch", "status", exit_code=1)`."""
    for product in ("OPENSEARCH", "ELASTICSEARCH"):
        for name in ("URL", "USER", "PASSWORD", "API_KEY"):
            monkeypatch.delenv(f"JRERANK_{product}_{name}", raising=False)
    monkeypatch.setenv("JRERANK_SIDECAR_API_KEY", KEY)

    def run(*arguments: str, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == exit_code, (
            f"{arguments}: {result.exit_code}\n{result.output}\n{result.exception!r}"
        )
        return result

    return run
