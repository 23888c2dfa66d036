"""What keeps a sidecar from starting is told in one line, with an exit code, and at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from builders import tiny_config
from jrerank.admin.app import app
from tiny import tiny_settings

DEEP = "[" * 100_000


def _config(**changes: object) -> Callable[[Path], object]:
    return lambda folder: (folder / "model/config.json").write_text(json.dumps(tiny_config(**changes)))


def _text(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


def _lie_about_weights(folder: Path) -> None:
    path = folder / "model/model.safetensors"
    path.write_bytes((10**9).to_bytes(8, "little") + path.read_bytes()[8:])


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "deep config.json": (_text("model/config.json", DEEP), "config.json is not JSON"),
    "deep tokenizer.json": (_text("model/tokenizer.json", DEEP), "tokenizer.json"),
    "deep tokenizer_config.json": (
        _text("model/tokenizer_config.json", DEEP),
        "tokenizer_config.json is not JSON",
    ),
    "deep modules.json": (_text("model/modules.json", DEEP), "modules.json is not a list of modules"),
    "a billion layers": (_config(num_hidden_layers=10**9), "num_hidden_layers must be at most 1000"),
    "more layers than weights": (_config(num_hidden_layers=999), "the weights have no tensor"),
    "a billion positions": (_config(max_position_embeddings=10**9), "max_position_embeddings"),
    "a huge vocabulary": (_config(vocab_size=2 * 10**9), "has shape"),
    "a header as long as a disk": (_lie_about_weights, "model.safetensors"),
    "a cache that is a file": (_text("cache", ""), "could not be built"),
    "a cache for everybody": (lambda folder: (folder / "cache/artifacts").chmod(0o777), "by everybody"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_and_an_exit_code(name: str, tiny_folder: Path, tmp_path: Path) -> None:
    tiny_settings(tiny_folder)
    shutil.copytree(tiny_folder / "model", tmp_path / "model")
    if name == "a cache for everybody":
        (tmp_path / "cache/artifacts").mkdir(parents=True)
    make, said = FAULTS[name]
    make(tmp_path)
    environment = {"JRERANK_CACHE_DIR": str(tmp_path / "cache"), "JRERANK_PRECISION": "fp32"}
    words = ["serve", "--model", str(tmp_path / "model"), "--port", "0"]
    result = CliRunner().invoke(app, words, env=environment)
    lines = result.stderr.strip().splitlines()
    assert (result.exit_code, len(lines)) == (3, 1), result.stderr
    assert lines[0].startswith("error: ")
    assert said in lines[0]
