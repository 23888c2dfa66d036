"""Graphs that are built while something goes wrong: two builders, a kill, a lock that is held, a full disk."""

from __future__ import annotations

import concurrent.futures
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from builders import tiny_config, write_checkpoint
from jrerank.engines.onnx_cpu.artifact import Recipe, ensure_artifact, find_artifact, graph_folder
from jrerank.errors import ArtifactError
from jrerank.models.checkpoint import Checkpoint, load_checkpoint
from jrerank.telemetry import configure_logging

FP32, INT8 = Recipe("fp32"), Recipe("int8")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return load_checkpoint(write_checkpoint(tmp_path_factory.mktemp("checkpoint"), tiny_config()), "tiny")


def builder(checkpoint: Checkpoint, cache: Path, recipe: Recipe = FP32) -> subprocess.Popen[bytes]:
    arguments = [checkpoint.locator, str(cache), recipe.precision, str(int(recipe.reduce_range))]
    return subprocess.Popen([sys.executable, "-m", "jrerank.engines.onnx_cpu.build", *arguments])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_two_real_builds_at_once_both_succeed(checkpoint: Checkpoint, tmp_path: Path) -> None:
    both = [builder(checkpoint, tmp_path) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert find_artifact(tmp_path, checkpoint, FP32) is not None


def test_kill_at_any_moment_leaves_nothing_that_is_taken_for_whole(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    started = time.monotonic()
    assert builder(checkpoint, tmp_path / "whole", INT8).wait(timeout=60) == 0
    whole_build_s = time.monotonic() - started
    for part in (0.5, 0.7, 0.8, 0.9, 0.97):
        process = builder(checkpoint, tmp_path / "cache", INT8)
        time.sleep(part * whole_build_s)
        process.kill()
        process.wait()
        folder = graph_folder(tmp_path / "cache", checkpoint, INT8)
        assert (find_artifact(tmp_path / "cache", checkpoint, INT8) is not None) == folder.exists()
    assert ensure_artifact(tmp_path / "cache", checkpoint, INT8).gate is not None


def test_a_lock_that_another_process_holds_is_told_of(
    checkpoint: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("info", "json")
    artifacts = graph_folder(tmp_path, checkpoint, FP32).parent
    artifacts.mkdir()
    lock = FileLock(artifacts / f"{graph_folder(tmp_path, checkpoint, FP32).name}.lock")
    log, deadline = "", time.monotonic() + 60
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with lock:
            building = pool.submit(ensure_artifact, tmp_path, checkpoint, FP32)
            while "artifact_lock_held" not in log and not building.done() and time.monotonic() < deadline:
                time.sleep(0.02)
                log += capsys.readouterr().err
        assert building.result().graph.is_file()
    log += capsys.readouterr().err
    (told,) = [line for line in log.splitlines() if "artifact_lock_held" in line]
    assert json.loads(told)["lock"] == lock.lock_file


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small tmpfs")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False)
    if mounted.returncode:
        pytest.skip("this container does not let root mount")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.parametrize("recipe", [FP32, INT8], ids=str)
def test_a_full_disk_is_an_error_and_nothing_stays(recipe: Recipe, small_disk: Path, tmp_path: Path) -> None:
    large = load_checkpoint(write_checkpoint(tmp_path / "large", tiny_config(vocab_size=20_000)), "large")
    with pytest.raises(ArtifactError, match=r"large could not be built: .*No space left on device"):
        ensure_artifact(small_disk, large, recipe)
    assert not graph_folder(small_disk, large, recipe).exists()
    assert names(small_disk / "artifacts") <= {f"{graph_folder(small_disk, large, recipe).name}.lock"}
    assert ensure_artifact(tmp_path / "elsewhere", large, recipe).graph.is_file()


def test_temporary_files_are_where_the_artifact_will_be(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(small_disk))
    large = load_checkpoint(write_checkpoint(tmp_path / "large", tiny_config(vocab_size=20_000)), "large")
    assert ensure_artifact(tmp_path / "cache", large, INT8).graph.is_file()
    assert names(small_disk) == set()
