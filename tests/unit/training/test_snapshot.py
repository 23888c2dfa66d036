"""The state of a run as a file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch

from jrerank.errors import CorruptModel
from jrerank.training.snapshot import Snapshot, load_snapshot, save_snapshot


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    assert load_snapshot(tmp_path) is None
    weights = {"a": torch.arange(3.0)}
    saved = Snapshot(3, 99, 1.5, 0.7, 1, weights, {"state": {}}, weights, 3, torch.get_rng_state())
    save_snapshot(tmp_path, saved)
    loaded = load_snapshot(tmp_path)
    assert loaded is not None
    assert (loaded.step, loaded.tokens, loaded.best, loaded.updates) == (3, 99, 0.7, 3)
    assert torch.equal(loaded.weights["a"], weights["a"])
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_what_a_gpu_saved_is_read_on_a_cpu(tmp_path: Path) -> None:
    weights = {"a": torch.arange(3.0)}
    save_snapshot(tmp_path, Snapshot(3, 99, 1.5, 0.7, 1, weights, {}, weights, 3, torch.get_rng_state()))
    move_to_gpu(tmp_path / "state.pt")
    loaded = load_snapshot(tmp_path)
    assert loaded is not None
    assert torch.equal(loaded.averages["a"], weights["a"])


def move_to_gpu(file: Path) -> None:
    """The file as a machine with a GPU had written it: the place of a tensor is a word in the pickle."""
    with zipfile.ZipFile(file) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data.replace(b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0"))
    assert b"cuda:0" in file.read_bytes()


def test_a_damaged_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"nothing")
    with pytest.raises(CorruptModel, match=r"state\.pt is not a training state"):
        load_snapshot(tmp_path)
