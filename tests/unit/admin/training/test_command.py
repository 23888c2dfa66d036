"""`train` from the shell: what it refuses, and what it writes down of itself. A whole run is in unit/training."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.admin.training.command import command_line
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


def test_a_card_names_files_without_their_folders(tmp_path: Path) -> None:
    passages, _ = write_corpus(tmp_path)
    arguments = [
        "/usr/bin/jrerank-admin",
        "train",
        "out",
        "--passages",
        str(passages),
        "--data",
        "JaQuAD/x y",
    ]
    assert command_line(arguments) == "jrerank-admin train out --passages passages.jsonl --data 'JaQuAD/x y'"


@pytest.mark.parametrize(
    ("word", "published"),
    [
        ("{folder}/new", "new"),
        ("{folder}/a/new", "new"),
        ("hotchpotch/japanese-reranker-xsmall-v2", "hotchpotch/japanese-reranker-xsmall-v2"),
        ("JaQuAD/x y", "'JaQuAD/x y'"),
    ],
)
def test_a_folder_that_is_yet_to_be_made_has_no_path_on_the_card(
    tmp_path: Path, word: str, published: str
) -> None:
    assert command_line(["x", "train", word.format(folder=tmp_path)]) == f"jrerank-admin train {published}"
