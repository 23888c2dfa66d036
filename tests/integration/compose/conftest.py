"""One engine for all tests of images."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from integration.compose.base_image import import_base_image
from integration.compose.engine import Engine, container_engine, why_none
from integration.compose.files import ROOT, Dockerfile

DOCKERFILE = "compose/Dockerfile"
TAG = "jrerank-test/sidecar"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Skips where there is none and none can be started, but for CI, where that is a failure."""
    if reason := why_none():
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    with container_engine() as running:
        yield running


@pytest.fixture(scope="session")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The sidecar's image."""
    if not engine.pulls:
        defaults = Dockerfile.read(DOCKERFILE).defaults()
        import_base_image(engine, defaults["PYTHON"], tmp_path_factory.mktemp("base") / "root")
        engine.run("tag", defaults["PYTHON"], defaults["COMPILER"])
    engine.build(DOCKERFILE, TAG, ROOT)
    yield TAG
    if engine.pulls:  # else it goes with the engine
        engine.run("rmi", "--force", TAG)
