"""Debian's Python and C compiler, as a stand-in for base images where no registry can be reached."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from integration.compose.engine import Engine

_PACKAGES = "ca-certificates,gcc,libc6-dev,python3,python3-venv"
# How this machine's pip reaches its index. It goes into the base image, as it would in a company's own.
_PIP_FILES = ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf")
_PIP_VARIABLES = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
_CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"


def import_base_image(engine: Engine, name: str, folder: Path) -> None:
    """Make `name` from Debian's packages, in `folder`."""
    suite = name.rpartition("-")[2]
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", suite, folder],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    _trust_what_this_machine_trusts(folder)
    changes = [f"ENV {name}={os.environ[name]}" for name in _PIP_VARIABLES if os.environ.get(name)]
    archive = folder.with_suffix(".tar")
    subprocess.run(
        ["tar", "-C", folder, "-cf", archive, "--exclude=./var/cache/apt/archives/*.deb", "."], check=True
    )
    shutil.rmtree(folder)
    engine.run("import", *[part for change in changes for part in ("--change", change)], str(archive), name)
    archive.unlink()


def _trust_what_this_machine_trusts(root: Path) -> None:
    if (bundle := Path("/", _CERTIFICATES)).is_file():
        shutil.copyfile(bundle, root / _CERTIFICATES)
    for file in map(Path, _PIP_FILES):
        if file.expanduser().is_file():
            shutil.copyfile(file.expanduser(), root / "etc/pip.conf")
            return
