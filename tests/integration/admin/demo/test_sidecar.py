"""The demo's own sidecar."""

from __future__ import annotations

import httpx
import pytest

from jrerank.admin.demo.sidecar import running_sidecar
from jrerank.errors import ConfigurationError


def test_it_serves_on_a_free_port_until_it_is_left() -> None:
    with running_sidecar("bundled", "int8") as url:
        assert httpx.get(f"{url}/health").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")


def test_a_sidecar_that_does_not_start_says_why() -> None:
    with (
        pytest.raises(ConfigurationError, match="choose one of random:"),
        running_sidecar("random:x", "int8"),
    ):
        pass
