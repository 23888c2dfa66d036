"""The pgTAP tests of sql/tests, by pg_prove, on every server and by every transport."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from integration.postgres.extensions import SQL
from integration.postgres.installed import Installed
from integration.postgres.servers import SUPERUSER


@pytest.mark.parametrize("file", sorted(SQL.glob("tests/*.sql")), ids=lambda file: file.stem)
def test_pgtap(installed: Installed, file: os.PathLike[str]) -> None:
    prove = shutil.which("pg_prove")
    if prove is None:
        assert os.environ.get("CI") != "true", "pg_prove isn't installed: run tests/install-system-packages"
        pytest.skip("pg_prove isn't installed")
    with installed.database.connect() as admin:
        admin.execute("CREATE EXTENSION pgtap")
    database = installed.database
    where = ["-h", "127.0.0.1", "-p", str(database.server.port), "-U", SUPERUSER, "-d", database.name]
    command = [prove, "--failures", "--verbose", *where, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
