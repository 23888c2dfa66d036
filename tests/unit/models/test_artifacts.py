"""Built graphs on disk: whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import tiny_config, write_checkpoint
from jrerank.cpu import CpuFeatures
from jrerank.errors import ArtifactError
from jrerank.models.artifacts import (
    Recipe,
    artifact_folder,
    artifact_key,
    built_artifacts,
    ensure_artifact,
    find_artifact,
    forget_artifacts,
    store_artifact,
)
from jrerank.models.checkpoint import Checkpoint, load_checkpoint
from jrerank.models.session import open_session, run_pair

FP32, INT8 = Recipe("fp32"), Recipe("int8")
VNNI = CpuFeatures("x86_64", frozenset({"avx2", "avx512_vnni"}))
AVX2 = CpuFeatures("x86_64", frozenset({"avx2"}))
# Says in a file that it has begun, and how often it was called
SLOW_BUILD = """
import os, sys, time
from pathlib import Path
from jrerank.models.artifacts import store_artifact
folder, log, wait = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
def build(temporary):
    with log.open("a") as stream:
        stream.write("built\\n")
    (temporary / "model.onnx").write_bytes(b"half of it")
    time.sleep(wait)
store_artifact(folder, build, is_there=lambda: (folder / "manifest.json").is_file())
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return load_checkpoint(write_checkpoint(tmp_path_factory.mktemp("checkpoint"), tiny_config()), "tiny")


def builder(checkpoint: Checkpoint, cache: Path, recipe: Recipe = FP32) -> subprocess.Popen[bytes]:
    arguments = [checkpoint.locator, str(cache), recipe.precision, str(int(recipe.reduce_range))]
    return subprocess.Popen([sys.executable, "-m", "jrerank.models.build", *arguments])


def slow_builder(folder: Path, log: Path, wait: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SLOW_BUILD, str(folder), str(log), str(wait)])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.mark.parametrize(
    ("precision", "features", "name"),
    [("fp32", AVX2, "fp32-v"), ("int8", VNNI, "int8-v"), ("int8", AVX2, "int8r-v")],
)
def test_a_recipe_is_for_a_precision_and_a_cpu(precision: str, features: CpuFeatures, name: str) -> None:
    assert str(Recipe.for_cpu("int8" if precision == "int8" else "fp32", features)).startswith(name)


def test_each_checkpoint_and_recipe_has_a_folder_of_its_own(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folders = {artifact_folder(tmp_path, checkpoint, recipe) for recipe in (FP32, INT8, Recipe("int8", True))}
    other = load_checkpoint(write_checkpoint(tmp_path / "other", tiny_config(norm_eps=1e-4)), "other")
    assert len(folders | {artifact_folder(tmp_path, other, FP32)}) == 4


def test_it_is_built_once_and_found_afterwards(checkpoint: Checkpoint, tmp_path: Path) -> None:
    assert find_artifact(tmp_path, checkpoint, INT8) is None
    built = ensure_artifact(tmp_path, checkpoint, INT8)
    before = built.graph.stat()
    assert ensure_artifact(tmp_path, checkpoint, INT8) == built
    assert built.graph.stat().st_mtime_ns == before.st_mtime_ns
    assert built.gate is not None
    assert built.gate.pairs == 72
    assert names(built.graph.parent) == {"model.onnx", "gate.json", "manifest.json"}
    assert isinstance(run_pair(open_session(built.graph), [1, 10, 2]), float)


@pytest.mark.parametrize("file", ["model.onnx", "manifest.json", "gate.json"])
@pytest.mark.parametrize("damage", ["truncated", "one byte", "empty", "missing", "other JSON"])
def test_a_damaged_artifact_is_not_found(
    file: str, damage: str, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    path = artifact_folder(tmp_path, checkpoint, INT8) / file

    def build(folder: Path) -> None:
        (folder / "model.onnx").write_bytes(b"graph")
        (folder / "gate.json").write_text('{"score_shift": 0.01, "inversion": 0.0, "pairs": 1}')

    store_artifact(path.parent, build, is_there=lambda: False)
    assert find_artifact(tmp_path, checkpoint, INT8) is not None
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        flipped = bytes([content[0] ^ 1]) + content[1:]
        damages = {"truncated": content[:-2], "one byte": flipped, "empty": b"", "other JSON": b"[5]"}
        path.write_bytes(damages[damage])
    assert find_artifact(tmp_path, checkpoint, INT8) is None


def test_a_damaged_artifact_is_built_again(checkpoint: Checkpoint, tmp_path: Path) -> None:
    built = ensure_artifact(tmp_path, checkpoint, FP32)
    whole = built.graph.read_bytes()
    built.graph.write_bytes(whole[:-100])
    assert ensure_artifact(tmp_path, checkpoint, FP32) == built
    assert built.graph.read_bytes() == whole


def test_two_processes_at_once_build_once(tmp_path: Path) -> None:
    folder, log = tmp_path / "artifacts" / "one", tmp_path / "log"
    both = [slow_builder(folder, log, 0.5) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert log.read_text() == "built\n"
    assert names(folder) == {"model.onnx", "manifest.json"}


def test_two_real_builds_at_once_both_succeed(checkpoint: Checkpoint, tmp_path: Path) -> None:
    both = [builder(checkpoint, tmp_path) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert find_artifact(tmp_path, checkpoint, FP32) is not None


def test_a_build_that_is_killed_half_way_leaves_no_artifact_and_no_lock(tmp_path: Path) -> None:
    folder, log = tmp_path / "artifacts" / "one", tmp_path / "log"
    first = slow_builder(folder, log, 60)
    deadline = time.monotonic() + 30
    while not list(folder.parent.glob(".one.*/model.onnx")) and time.monotonic() < deadline:
        time.sleep(0.01)
    first.kill()
    first.wait()
    assert not folder.exists()
    assert list(folder.parent.glob(".one.*"))
    assert slow_builder(folder, log, 0).wait(timeout=60) == 0
    assert names(folder) == {"model.onnx", "manifest.json"}
    assert not list(folder.parent.glob(".one.*")), "what the first one left is gone"


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
        folder = artifact_folder(tmp_path / "cache", checkpoint, INT8)
        assert (find_artifact(tmp_path / "cache", checkpoint, INT8) is not None) == folder.exists()
    assert ensure_artifact(tmp_path / "cache", checkpoint, INT8).gate is not None


def test_a_build_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "artifacts" / "one"
    store_artifact(folder, lambda new: _write(new / "model.onnx", b"first"), is_there=lambda: False)

    def fail(new: Path) -> None:
        _write(new / "model.onnx", b"second")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store_artifact(folder, fail, is_there=lambda: False)
    assert (folder / "model.onnx").read_bytes() == b"first"
    assert names(folder.parent) <= {"one", "one.lock"}


def test_why_a_build_failed_is_in_the_error(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", tiny_config())
    checkpoint = load_checkpoint(folder, "my model")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"the fp32 graph of my model .* has no model\.safetensors"):
        ensure_artifact(tmp_path, checkpoint, FP32)


def test_a_cache_that_cannot_be_written_is_an_error(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(ArtifactError, match=r"tiny could not be built: .*cache"):
        ensure_artifact(tmp_path / "cache", checkpoint, FP32)


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
    assert not artifact_folder(small_disk, large, recipe).exists()
    assert names(small_disk / "artifacts") <= {f"{artifact_folder(small_disk, large, recipe).name}.lock"}
    assert ensure_artifact(tmp_path / "elsewhere", large, recipe).graph.is_file()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def test_what_is_built_is_listed_by_checkpoint_and_forgotten_by_precision(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    assert built_artifacts(tmp_path) == {}
    for recipe in (FP32, INT8):
        ensure_artifact(tmp_path, checkpoint, recipe)
    (tmp_path / "artifacts" / f".{artifact_key(checkpoint)}-int8.half").mkdir()
    listed = built_artifacts(tmp_path)
    assert list(listed) == [artifact_key(checkpoint)]
    assert [graph.split("-")[0] for graph in listed[artifact_key(checkpoint)]] == ["fp32", "int8"]
    forget_artifacts(tmp_path, checkpoint, "int8")
    assert find_artifact(tmp_path, checkpoint, INT8) is None
    assert find_artifact(tmp_path, checkpoint, FP32) is not None
