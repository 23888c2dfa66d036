"""What is built of checkpoints, on disk: whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from builders import tiny_config, write_checkpoint
from jrerank.errors import ArtifactError
from jrerank.models.artifacts import (
    artifact_folder,
    artifact_key,
    built_artifacts,
    forget_artifacts,
    is_whole,
    store_artifact,
)
from jrerank.models.checkpoint import Checkpoint, load_checkpoint

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


def slow_builder(folder: Path, log: Path, wait: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SLOW_BUILD, str(folder), str(log), str(wait)])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_each_checkpoint_and_recipe_has_a_folder_of_its_own(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folders = {artifact_folder(tmp_path, checkpoint, recipe) for recipe in ("fp32-v1", "int8-v1", "int8r-v1")}
    other = load_checkpoint(write_checkpoint(tmp_path / "other", tiny_config(norm_eps=1e-4)), "other")
    assert len(folders | {artifact_folder(tmp_path, other, "fp32-v1")}) == 4


@pytest.mark.parametrize("file", ["model.onnx", "manifest.json", "gate.json"])
@pytest.mark.parametrize("damage", ["truncated", "one byte", "empty", "missing", "other JSON", "deep JSON"])
def test_a_damaged_artifact_is_not_whole(file: str, damage: str, tmp_path: Path) -> None:
    path = tmp_path / "artifact" / file

    def build(folder: Path) -> None:
        _write(folder / "model.onnx", b"graph")
        _write(folder / "gate.json", b'{"score_shift": 0.01}')

    store_artifact(path.parent, build, is_there=lambda: False)
    assert is_whole(path.parent, ["model.onnx", "gate.json"])
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        flipped = bytes([content[0] ^ 1]) + content[1:]
        damages = {"truncated": content[:-2], "one byte": flipped, "empty": b"", "other JSON": b"[5]"}
        damages["deep JSON"] = b"[" * 100_000
        path.write_bytes(damages[damage])
    assert not is_whole(path.parent, ["model.onnx", "gate.json"])


def test_what_was_never_built_is_not_whole(tmp_path: Path) -> None:
    assert not is_whole(tmp_path / "artifact", ["model.onnx"])
    store_artifact(tmp_path / "artifact", lambda folder: _write(folder / "a", b"a"), is_there=lambda: False)
    assert not is_whole(tmp_path / "artifact", ["model.onnx"])


def test_two_processes_at_once_build_once(tmp_path: Path) -> None:
    folder, log = tmp_path / "artifacts" / "one", tmp_path / "log"
    both = [slow_builder(folder, log, 0.5) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert log.read_text() == "built\n"
    assert names(folder) == {"model.onnx", "manifest.json"}


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


def test_a_lock_that_is_held_is_told_of_and_not_waited_for_for_ever(tmp_path: Path) -> None:
    folder, told = tmp_path / "artifacts" / "one", list[Path]()
    folder.parent.mkdir()
    lock = folder.parent / "one.lock"
    with (
        FileLock(lock),
        pytest.raises(ArtifactError, match=r"another process has held .*one\.lock .*JRERANK_CACHE_DIR"),
    ):
        store_artifact(folder, _unexpected, is_there=lambda: False, on_wait=told.append, timeout_s=0.05)
    assert told == [lock]


def test_what_the_other_process_has_built_meanwhile_is_not_built_again(tmp_path: Path) -> None:
    folder, log, told = tmp_path / "artifacts" / "one", tmp_path / "log", list[Path]()
    other = slow_builder(folder, log, 2.0)
    while not list(folder.parent.glob(".one.*/model.onnx")):
        time.sleep(0.01)
    store_artifact(folder, _unexpected, is_there=(folder / "manifest.json").is_file, on_wait=told.append)
    assert told == [folder.parent / "one.lock"]
    assert other.wait(timeout=60) == 0


@pytest.mark.parametrize("place", ["artifacts", "artifacts/one", "artifacts/one/model.onnx"])
def test_what_others_could_have_written_is_refused(place: str, tmp_path: Path) -> None:
    folder = tmp_path / "artifacts" / "one"
    store_artifact(folder, lambda new: _write(new / "model.onnx", b"graph"), is_there=lambda: False)
    (tmp_path / place).chmod(0o777)
    with pytest.raises(ArtifactError, match=rf"{place} can be written by everybody"):
        is_whole(folder, ["model.onnx"])


def test_whatever_the_umask_nobody_else_may_write_what_is_built(tmp_path: Path) -> None:
    folder, before = tmp_path / "artifacts" / "one", os.umask(0)
    try:
        store_artifact(folder, lambda new: _write(new / "model.onnx", b"graph"), is_there=lambda: False)
    finally:
        os.umask(before)
    assert is_whole(folder, ["model.onnx"])


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


def test_what_is_built_is_listed_by_checkpoint_and_forgotten_by_recipe(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    assert built_artifacts(tmp_path) == {}
    for recipe in ("fp32-v1", "int8-v1"):
        folder = artifact_folder(tmp_path, checkpoint, recipe)
        store_artifact(folder, lambda new: _write(new / "model.onnx", b"graph"), is_there=lambda: False)
    (tmp_path / "artifacts" / f".{artifact_key(checkpoint)}-int8.half").mkdir()
    listed = built_artifacts(tmp_path)
    assert list(listed) == [artifact_key(checkpoint)]
    assert [graph.split("-")[0] for graph in listed[artifact_key(checkpoint)]] == ["fp32", "int8"]
    forget_artifacts(tmp_path, checkpoint, "int8")
    assert not artifact_folder(tmp_path, checkpoint, "int8-v1").exists()
    assert artifact_folder(tmp_path, checkpoint, "fp32-v1").exists()


def _unexpected(folder: Path) -> None:
    raise AssertionError(f"{folder} is built twice")


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
