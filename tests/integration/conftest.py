"""How `make test` spreads these tests over processes: a folder's tests share servers, so that one process runs them all."""

from __future__ import annotations

import os

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from jrerank.admin import ports


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """One unit of work for each folder below this one, the largest first; a file beside them is a unit too."""

    def _split_scope(self, nodeid: str) -> str:
        return "/".join(nodeid.partition("::")[0].split("/")[:3])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FolderScheduling:
    return FolderScheduling(config, log)


def pytest_configure() -> None:
    """No two processes choose the same port for what they are about to start."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ports.share_with(workers, worker)
