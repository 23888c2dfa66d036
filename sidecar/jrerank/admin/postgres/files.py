"""The extension's files: where they ship, and where a server on this machine finds them."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jrerank.errors import ConfigurationError
from jrerank.shipped import shipped

if TYPE_CHECKING:
    from jrerank.admin.postgres.connection import Connection

_FOLDER = "select setting from pg_config where name = 'SHAREDIR'"
_FOUND = "select from pg_available_extension_versions where name = 'jrerank' and version = %s"


@dataclass(frozen=True, slots=True)
class Script:
    """A plain script, and the version it leads to."""

    version: str
    path: Path

    @property
    def text(self) -> str:
        """Its SQL."""
        return self.path.read_text(encoding="utf-8")

    def upgrades_from(self, installed: str) -> list[Script]:
        """The scripts from the installed version to this one, in their order; none where it is this one.

        Raises:
            ConfigurationError: no script leads from there.
        """
        if installed == self.version:
            return []
        steps = {one.name.split("--")[1]: one for one in self.path.parent.glob("jrerank--*--*.sql")}
        upgrades: list[Script] = []
        while installed != self.version:
            path = steps.pop(installed, None)
            if path is None:
                raise ConfigurationError(
                    f"the functions are of version {installed}, from which no script leads to {self.version}:"
                    " upgrade jrerank, or remove them first"
                )
            installed = path.stem.split("--")[2]
            upgrades.append(Script(installed, path))
        return upgrades


def newest_script() -> Script:
    """As it ships."""
    folder = shipped("sql")
    control = (folder / "jrerank.control").read_text(encoding="utf-8")
    found = re.search(r"default_version\s*=\s*'([^']+)'", control)
    assert found is not None, control  # noqa: S101  a file of our own
    return Script(found[1], folder / f"jrerank--{found[1]}.sql")


def extension_folder(connection: Connection) -> Path | None:
    """Where the server looks for extensions, if that is on this machine and may be written to.

    Only a superuser, or one who may read all settings, learns it.
    """
    may_read = connection.execute("select has_table_privilege('pg_config', 'select')").fetchone()
    if not _is_here(connection.info.host) or may_read is None or not may_read[0]:
        return None
    row = connection.execute(_FOLDER).fetchone()
    folder = None if row is None else Path(row[0]) / "extension"
    return folder if folder is not None and os.access(folder, os.W_OK | os.X_OK) else None


def place_files(connection: Connection, folder: Path) -> bool:
    """Copy the files there. What the server does not find after all, since it is another machine's, is taken away again."""
    files = [file for file in shipped("sql").glob("jrerank*") if file.suffix in {".control", ".sql"}]
    placed = [Path(shutil.copy(file, folder)) for file in files]
    found = connection.execute(_FOUND, (newest_script().version,)).fetchone() is not None
    for file in () if found else placed:
        file.unlink()
    return found


def _is_here(host: str) -> bool:
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
