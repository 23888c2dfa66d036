"""Packages of npm's for tests of Node's clients, fetched once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from filelock import FileLock

_CACHE = Path(__file__).parents[1] / ".cache" / "npm"


def installed(sources: Path) -> Path:
    """A folder with the scripts of `sources` beside the packages that its lock file names."""
    lock = (sources / "package-lock.json").read_bytes()
    folder = _CACHE / hashlib.sha256(lock).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        for file in sources.iterdir():
            shutil.copy(file, folder)
        if not (folder / "node_modules").is_dir():
            run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)])
    return folder


def run(command: list[str]) -> str:
    """What a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
