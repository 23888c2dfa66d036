"""A trained folder, handed out: halved, measured, and described."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner, Result

from jrerank.admin.app import app
from jrerank.models.recommendation import recommended_fusion
from jrerank.training.snapshot import load_snapshot
from training_models import tiny_model, write_corpus


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, files: tuple[Path, Path]) -> Path:
    """A run of a few steps, whose best weights are those of its first look."""
    folder = tmp_path_factory.mktemp("training")
    options = ["--tokens", "3000", "--evaluate-every-tokens", "1000", "--cloze", "0", "--threads", "1"]
    start = ["--from", str(tiny_model(folder / "start")), "--licence", "MIT"]
    done = invoke("train", folder / "run", files, *start, *options)
    assert done.exit_code == 0, done.output
    return folder / "run"


def invoke(command: str, folder: Path, files: tuple[Path, Path], *options: str) -> Result:
    passages, pairs = map(str, files)
    trained = ["--passages", passages, "--pairs", pairs] if command == "train" else []
    line = [*command.split(), str(folder), *trained, "--dev-passages", passages, "--dev-pairs", pairs]
    return CliRunner().invoke(app, [*line, *options])


def packed(run: Path, folder: Path, files: tuple[Path, Path], *options: str) -> Result:
    return invoke(f"models pack {run}", folder, files, *options)


def test_weights_are_halved_and_the_card_is_whole(
    run: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    notes, folder = tmp_path / "notes.md", tmp_path / "small"
    notes.write_text("## What to expect\n\nLittle.\n", encoding="utf-8")
    result = packed(run, folder, files, "--notes", str(notes))
    assert result.exit_code == 0, result.output
    weights = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    full = load_file(run / "model.safetensors")
    assert all(torch.equal(weights[name], tensor.half()) for name, tensor in full.items())
    card = (folder / "README.md").read_text(encoding="utf-8")
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings == ["# small", "## Made by", "## Dev set", "## What a score means", "## What to expect"]
    assert "| licence | MIT |" in card
    fusion = recommended_fusion(folder)
    assert fusion is not None
    assert f"(weight {fusion.weight:g})" in result.output
    assert f"| logit + {fusion.weight:g} x BM25" in card


def test_the_newest_weights_are_the_last_states_averages(
    run: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    assert packed(run, tmp_path / "newest", files, "--newest").exit_code == 0
    snapshot = load_snapshot(run / "training")
    assert snapshot is not None
    weights = load_file(tmp_path / "newest" / "model.safetensors")
    assert all(torch.equal(weights[name], tensor.half()) for name, tensor in snapshot.averages.items())


def test_a_run_is_not_packed_into_its_own_folder(run: Path, files: tuple[Path, Path]) -> None:
    before = (run / "model.safetensors").read_bytes()
    result = packed(run, run, files)
    assert (result.exit_code, "give another folder" in result.stderr) == (2, True)
    assert (run / "model.safetensors").read_bytes() == before


def test_a_run_without_a_look_has_nothing_to_pack(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = packed(tiny_model(tmp_path / "bare"), tmp_path / "out", files)
    assert (result.exit_code, "has not come to its first look" in result.stderr) == (3, True)


def test_the_mean_of_a_run_and_its_start_is_packed_as_a_run_is(
    run: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    start, mean = run.parent / "start", tmp_path / "mean"
    averaged = CliRunner().invoke(app, ["models", "average", str(start), str(run), str(mean)])
    assert averaged.exit_code == 0, averaged.output
    weights = [load_file(folder / "model.safetensors") for folder in (start, run, mean)]
    assert all(
        torch.allclose((first[name] + second[name]) / 2, values)
        for first, second, averages in [weights]
        for name, values in averages.items()
    )
    assert packed(mean, tmp_path / "small", files).exit_code == 0
    card = (tmp_path / "small" / "README.md").read_text(encoding="utf-8")
    assert "| mean of | `start` (0.5) and `run` (0.5), by their weights |" in card
    assert [line for line in card.splitlines() if line.startswith("## ")] == [
        "## Made by", "## Made by (run)", "## Dev set", "## What a score means",
    ]  # fmt: skip


def test_models_of_two_shapes_are_refused_in_a_line(run: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["models", "average", "bundled", str(run), str(tmp_path / "mean")])
    assert result.exit_code == 3
    assert "config.json of bundled and run: architecture is" in result.stderr
