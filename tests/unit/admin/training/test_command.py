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
        (["--pairs", "{pairs}", "--from", "{model}", "--device", "tpu"], 3, "device 'tpu'"),
    ],
)
def test_wrong_usage_is_one_line(tmp_path: Path, options: list[str], code: int, message: str) -> None:
    passages, pairs = write_corpus(tmp_path)
    model = tiny_model(tmp_path / "model")
    given = [option.format(pairs=pairs, model=model) for option in options]
    result = CliRunner().invoke(app, ["train", str(tmp_path / "out"), "--passages", str(passages), *given])
    assert (result.exit_code, message in result.stderr) == (code, True), result.output
