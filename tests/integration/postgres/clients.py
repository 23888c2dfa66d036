"""Drivers that pip doesn't have: node-postgres from npm, fetched once, and pgbouncer from Debian."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from integration.postgres.extensions import REPOSITORY, MissingToolError
from integration.postgres.servers import Database
from jrerank.admin.ports import free_port

_NODE = REPOSITORY / ".cache" / "node-postgres"
_PACKAGE = "pg@8.16.3"
_SCRIPT = """
const { Client } = require("pg");
const { connection, calls } = JSON.parse(require("fs").readFileSync(0));
(async () => {
  const client = new Client(connection);
  await client.connect();
  const answers = [];
  for (const [text, values] of calls) answers.push((await client.query({ text, values, rowMode: "array" })).rows);
  await client.end();
  console.log(JSON.stringify(answers));
})().catch((error) => { console.error(error.message); process.exit(1); });
"""


def node_postgres(
    connection: dict[str, Any], calls: Sequence[tuple[str, list[Any]]]
) -> list[list[list[Any]]]:
    """The rows of each call.

    Raises:
        MissingToolError: there is no node, or the package can't be had.
        AssertionError: a call failed.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise MissingToolError("node and npm aren't installed: run tests/install-system-packages as root")
    _NODE.mkdir(parents=True, exist_ok=True)
    with FileLock(_NODE / ".lock"):
        if not (_NODE / "node_modules" / "pg").is_dir():
            install = [
                "npm",
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--prefix",
                str(_NODE),
                _PACKAGE,
            ]
            done = subprocess.run(install, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode != 0:
                raise MissingToolError(f"npm could not fetch {_PACKAGE}: {done.stderr.strip()}")
    asked = json.dumps({"connection": connection, "calls": calls})
    environment = {**os.environ, "NODE_PATH": str(_NODE / "node_modules")}
    command = ["node", "-e", _SCRIPT]
    done = subprocess.run(
        command, input=asked, capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    answers: list[list[list[Any]]] = json.loads(done.stdout)
    return answers


@contextmanager
def transaction_pooler(database: Database, user: str) -> Iterator[int]:
    """The port of a pgbouncer whose clients share one connection, a transaction at a time.

    Raises:
        MissingToolError: it isn't installed.
    """
    pgbouncer = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if pgbouncer is None:
        raise MissingToolError("pgbouncer isn't installed: run tests/install-system-packages as root")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="jrerank-pgbouncer-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n{database.name} = host=127.0.0.1 port={database.server.port} user={user}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            "pool_mode = transaction\ndefault_pool_size = 1\nignore_startup_parameters = extra_float_digits\n"
        )
        who: dict[str, Any] = {}
        if os.geteuid() == 0:  # it refuses to run as root
            nobody = pwd.getpwnam("nobody")
            who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        with subprocess.Popen(
            [pgbouncer, "-q", str(folder / "pgbouncer.ini")], stderr=subprocess.DEVNULL, **who
        ) as process:
            try:
                _wait_for(port)
                yield port
            finally:
                process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
