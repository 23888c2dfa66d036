"""`train` from the shell: what it refuses, and what it writes down of itself. A whole run is in unit/training."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from training_models import tiny_model, write_corpus


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "there is nothing to learn: give --pairs, --clicks or both"),
        (["--pairs", "{pairs}", "--dev-pairs", "{pairs}"], 2, "--dev-passages and --dev-pairs"),
        (["--pairs", "{pairs}", "--from", "no-model"], 3, "'no-model' is neither a folder nor a hub id"),
        (["--pairs", "{pairs}", "--precision", "int4"], 2, "precision 'int4': it is auto, bf16 or fp32"),
        (["--pairs", "{pairs}", "--layers", "0;1"], 2, "layers '0;1': give numbers and commas"),
        (["--pairs", "{pairs}", "--layers", "9", "--from", "{model}"], 3, "the model has layers 0 to 1"),
        (
            ["--pairs", "{pairs}", "--layers", "1,1", "--from", "{model}"],
            3,
            "layers [1, 1]: one is named twice",
        ),
        (["--pairs", "{pairs}", "--from", "{model}", "--device", "tpu"], 3, "device 'tpu'"),
        (
            ["--pairs", "{pairs}", "--from", "{model}", "--device", "cuda:99"],
            3,
            "device 'cuda:99' can't be used",
        ),
        (["--pairs", "{pairs}", "--patience", "2"], 2, "give --dev-passages and --dev-pairs"),
        (["--pairs", "{pairs}", "--cloze", "0.1"], 2, "--cloze 0.1 is of --text: give that too"),
        (
            ["--pairs", "{pairs}", "--scene-share", "0.2"],
            2,
            "--scene-share 0.2 is of --scenes: give that too",
        ),
        (["--pairs", "{pairs}", "--distillation", "kl"], 2, "give --teacher, or pairs with `scores`"),
        (["--pairs", "{pairs}", "--facts", "0.9", "--text", "{pairs}"], 2, "are 1 of the questions together"),
        (
            ["--pairs", "{pairs}", "--hard-negatives", "11"],
            2,
            "--mined-candidates 10 are fewer than the --hard-negatives 11",
        ),
    ],
)
def test_wrong_usage_is_one_line(tmp_path: Path, options: list[str], code: int, message: str) -> None:
    passages, pairs = write_corpus(tmp_path)
    model = tiny_model(tmp_path / "model")
    given = [option.format(pairs=pairs, model=model) for option in options]
    result = CliRunner().invoke(app, ["train", str(tmp_path / "out"), "--passages", str(passages), *given])
    assert (result.exit_code, message in result.stderr) == (code, True), result.output
    assert not (tmp_path / "out").exists()


def test_a_model_is_not_trained_into_its_own_folder(tmp_path: Path) -> None:
    passages, pairs = map(str, write_corpus(tmp_path))
    model = tiny_model(tmp_path / "model")
    before = {file.name: file.read_bytes() for file in model.iterdir()}
    line = [
        "train",
        str(model),
        "--from",
        str(model),
        "--passages",
        passages,
        "--pairs",
        pairs,
        "--tokens",
        "100",
    ]
    result = CliRunner().invoke(app, line)
    assert (result.exit_code, "give another folder" in result.stderr) == (2, True), result.output
    assert {file.name: file.read_bytes() for file in model.iterdir()} == before
