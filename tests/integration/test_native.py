"""The kernels as their own package: how they are compiled, and what becomes of them when Python exits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kernel import needs_kernel

ROOT = Path(__file__).parents[2]
# A daemon thread is in the kernel, without the GIL, when all that is done at exit is done
EXITS_WHILE_TOKENIZING = """
import atexit, threading, time
atexit.register(time.sleep, 0.2)  # the first is called last
from jrerank_native.unigram import Unigram, Vocabulary
unigram = Unigram(Vocabulary([("<unk>", 0.0), ("▁", -1.0), *((chr(0x4E00 + n), -2.0) for n in range(20_000))], 0))
texts = ["".join(map(chr, range(0x4E00, 0x9C00))) * 50]
begun = threading.Event()
def tokenize():
    while True:
        unigram.encode(texts)
        begun.set()
threading.Thread(target=tokenize, daemon=True).start()
begun.wait()
"""


@needs_kernel
def test_python_exits_while_a_thread_tokenizes() -> None:
    # What is freed is unmapped, so that nobody reads it without being noticed
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "4096"}
    subprocess.run([sys.executable, "-c", EXITS_WHILE_TOKENIZING], env=environment, check=True)


@needs_kernel
@pytest.mark.parametrize("source", list((ROOT / "native").rglob("*.c")), ids=lambda source: source.name)
def test_the_compiler_has_nothing_to_warn_of(source: Path) -> None:
    """Where it is built for use, a newer compiler's opinion keeps nobody from it."""
    flags = ["-std=c99", "-O3", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-fPIC"]
    done = subprocess.run(
        ["cc", *flags, "-c", "-o", "/dev/null", source], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_make_forgets_no_kernel_that_could_not_be_built(tmp_path: Path) -> None:
    """By the real Makefile, with a stand-in for uv that does as it is told."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    uv, system, installed = (
        tmp_path / place for place in (".venv/bin/uv", "tests/install-system-packages", ".venv/.installed")
    )
    for script, code in ((uv, "exit ${FAILS:-0}"), (system, "exit 0")):
        script.parent.mkdir(parents=True)
        script.write_text(f"#!/bin/sh\n{code}\n")
        script.chmod(0o755)
    (tmp_path / "native").mkdir()
    (tmp_path / ".venv/.packages").touch()

    def make(**environment: str) -> tuple[int, bool]:
        command = ["make", "--assume-old=.venv/.packages", ".venv/.installed"]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "MAKEFLAGS": "", **environment},
            capture_output=True,
            check=False,
        )
        return done.returncode, installed.exists()

    assert [make(CC="echo", FAILS="1"), make(CC="echo", FAILS="1")] == [(2, False)] * 2
    assert make(CC="no-such-compiler") == (0, False)
    assert make(CC="echo") == (0, True)
