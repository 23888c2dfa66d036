"""How `make test` spreads these tests over processes: a folder's tests share servers, so that one process runs them all."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from jrerank.admin import ports

# They would be left for the end by the number of their tests, and one process would wait for the other
_FEW_BUT_LONG = frozenset({"tests/integration/test_quality.py", "tests/integration/compose"})


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """One unit of work for each folder below this one; a file beside them is a unit too."""

    def _split_scope(self, nodeid: str) -> str:
        return _unit_of(nodeid)


def _unit_of(nodeid: str) -> str:
    return "/".join(nodeid.partition("::")[0].split("/")[:3])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first."""
    units = [_unit_of(item.nodeid) for item in items]
    sizes = Counter(units)
    order = sorted(sizes, key=lambda unit: (unit not in _FEW_BUT_LONG, -sizes[unit]))
    items.sort(key=lambda item: order.index(_unit_of(item.nodeid)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FolderScheduling:
    return FolderScheduling(config, log)


def pytest_configure() -> None:
    """No two processes choose the same port for what they are about to start."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ports.share_with(workers, worker)
