"""Which releases a zip can be built for."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from jrerank.admin.app import app


def path(version: str) -> Result:
    return CliRunner().invoke(app, ["opensearch", "plugin", "path", "--opensearch-version", version])


def test_one_that_is_not_built_says_how_to() -> None:
    result = path("3.99.0")
    assert result.exit_code == 3
    assert "plugin build --opensearch-version 3.99.0" in result.stderr
    assert "tested are 3.8.0 and 2.19.6" in result.stderr


@pytest.mark.parametrize("version", ["1.3.0", "2.11.0", "4", "latest", "3.8.0/../x"])
def test_releases_that_it_is_not_for(version: str) -> None:
    result = path(version)
    assert result.exit_code == 2
    assert "2.19 and 3" in result.stderr
