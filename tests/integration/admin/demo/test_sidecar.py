"""The demo's own sidecar."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from jrerank.admin.demo.sidecar import running_sidecar
from jrerank.errors import ConfigurationError


def test_it_serves_on_a_free_port_until_it_is_left() -> None:
    with running_sidecar("bundled", "int8") as url:
        assert httpx.get(f"{url}/health").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")


def test_it_is_its_own_whatever_sidecar_the_environment_describes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    theirs = {"LOG_LEVEL": "warning", "API_KEYS": "secret", "HOST": "0.0.0.0", "CACHE_DIR": str(cache)}
    for name, value in (theirs | {"SECOND_MODEL": "bundled", "STORES": "{}", "PGWIRE_PORT": "0"}).items():
        monkeypatch.setenv(f"JRERANK_{name}", value)
    with running_sidecar("bundled", "int8") as url:
        info = httpx.get(f"{url}/info").raise_for_status().json()
    assert "second" not in info or info["second"] is None
    assert cache.is_dir(), "models and graphs that are there are used"


def test_a_sidecar_that_does_not_start_says_why() -> None:
    with (
        pytest.raises(ConfigurationError, match="choose one of random:"),
        running_sidecar("random:x", "int8"),
    ):
        pass
