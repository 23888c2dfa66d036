"""Extensions that a server finds beside its own: ours, pgTAP, and for the embedded PostgreSQL dblink from an npm package."""

from __future__ import annotations

import platform
import shutil
import subprocess
import tarfile
from pathlib import Path

from filelock import FileLock

REPOSITORY = Path(__file__).resolve().parents[3]
SQL = REPOSITORY / "sql"
DEBIAN = Path("/usr/share/postgresql/15/extension")

_CACHE = REPOSITORY / ".cache" / "npm"
_ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}
_CONTRIB = f"@embedded-postgres/linux-{_ARCHITECTURES.get(platform.machine(), 'unknown')}@18.4.0-beta.17"
_LIBRARIES = ("libpq.so.5.18", "libssl.so.1.1", "libcrypto.so.1.1")


class MissingToolError(Exception):
    """Something that a server needs is not on this machine."""


def copy_ours(folder: Path) -> None:
    """The files of jrerank, where a server looks for extensions."""
    for file in [*SQL.glob("*.control"), *SQL.glob("jrerank--*.sql")]:
        shutil.copy(file, folder)


def copy_pgtap(folder: Path) -> None:
    """pgTAP is pure SQL, so that Debian's serves every PostgreSQL."""
    for file in DEBIAN.glob("pgtap*"):
        shutil.copy(file, folder)


def copy_dblink(prefix: Path) -> None:
    """Into `prefix/share/postgresql/extension` and `prefix/lib`: the embedded PostgreSQL has no contrib of its own.

    Raises:
        MissingToolError: the package can't be had.
    """
    native = _contrib() / "package" / "native"
    for file in (native / "share" / "postgresql" / "extension").glob("dblink*"):
        shutil.copy(file, prefix / "share" / "postgresql" / "extension")
    library = prefix / "lib" / "postgresql"
    library.mkdir(parents=True)
    shutil.copy(native / "lib" / "postgresql" / "dblink.so", library)
    for name in _LIBRARIES:  # found by $ORIGIN/.., and by their short names
        soname = "libpq.so.5" if name.startswith("libpq") else name
        shutil.copy(native / "lib" / name, prefix / "lib" / soname)


def _contrib() -> Path:
    """The unpacked npm package, fetched once."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(_CACHE / ".lock"):
        if not (_CACHE / "package").is_dir():
            _fetch()
    return _CACHE


def _fetch() -> None:
    if shutil.which("npm") is None:
        raise MissingToolError("dblink for the embedded PostgreSQL comes from npm, which isn't installed")
    command = ["npm", "pack", "--silent", "--pack-destination", str(_CACHE), _CONTRIB]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise MissingToolError(f"npm could not fetch {_CONTRIB}: {done.stderr.strip()}")
    archive = _CACHE / done.stdout.split()[-1]
    with tarfile.open(archive) as packed:
        packed.extractall(_CACHE / "unpacked", filter="data")
    (_CACHE / "unpacked" / "package").rename(_CACHE / "package")
    archive.unlink()
