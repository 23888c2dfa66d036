"""The whole state of a run in one file, replaced at once: a run that is killed at any time goes on as if it had not been."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from jrerank.errors import CorruptModel

SNAPSHOT_FILE = "state.pt"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`step` steps are done. `averages` and `updates` are those of AveragedWeights."""

    step: int
    tokens: int
    seconds: float
    best: float
    stale: int
    weights: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    averages: dict[str, torch.Tensor]
    updates: int
    rng: torch.Tensor


def save_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Write it beside the old one, then take its place."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{SNAPSHOT_FILE}.part"
    torch.save({name: getattr(snapshot, name) for name in Snapshot.__slots__}, part)
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(folder / SNAPSHOT_FILE)


def load_snapshot(folder: Path) -> Snapshot | None:
    """The run's last state, None where there is none. Its tensors are on the CPU, wherever they were saved from.

    Raises:
        CorruptModel: the file is not a snapshot.
    """
    path = folder / SNAPSHOT_FILE
    if not path.is_file():
        return None
    try:
        return Snapshot(**torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # torch.load raises what it likes
        raise CorruptModel(f"{path} is not a training state: {error}") from error
