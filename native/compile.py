"""Compile the kernels into the wheel, with `cc` or what CC says."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FLAGS = ("-std=c99", "-O3", "-fPIC", "-fvisibility=hidden", "-shared")


class Compile(BuildHookInterface):  # type: ignore[type-arg]
    """Makes the wheel one for this kind of machine and any Python: the kernels know nothing of Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the result packed beside the Python that loads it."""
        self._folder = tempfile.TemporaryDirectory()
        library = Path(self._folder.name) / "libunigram.so"
        source = Path(self.root) / "src/jrerank_native/unigram.c"
        subprocess.run([os.environ.get("CC", "cc"), *_FLAGS, "-o", library, source], check=True)  # noqa: S603
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["force_include"][str(library)] = "jrerank_native/libunigram.so"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled: the wheel has it."""
        self._folder.cleanup()
