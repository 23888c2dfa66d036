"""The command line on a model's card: it makes the model again, and publishes no path."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import cast

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.core import TyperGroup
from typer.main import get_command

from jrerank.admin.app import app
from jrerank.admin.training.command_line import command_line

COMMAND = get_command(app)
HUB_ID = "hotchpotch/japanese-reranker-small-v2"


def line(*words: str) -> str:
    """Of these words, read as the real command reads them."""
    command, rest, name = COMMAND, list(words), "/usr/bin/jrerank-admin"
    context = None
    while isinstance(command, TyperGroup):
        context = typer.Context(command, info_name=name, parent=context)
        name = rest.pop(0)
        command = command.commands[name]
    return command_line(cast(typer.Context, command.make_context(name, rest, parent=context)))


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With p.jsonl, q.jsonl and a folder that is called as a hub's owner."""
    for name in ("p.jsonl", "q.jsonl"):
        (tmp_path / name).touch()
    here = tmp_path / "here"
    (here / "hotchpotch").mkdir(parents=True)
    monkeypatch.chdir(here)
    return here


@pytest.mark.parametrize(
    ("options", "published"),
    [
        (["--passages", "{up}/p.jsonl"], "--passages p.jsonl"),
        (["--passages={up}/p.jsonl"], "--passages p.jsonl"),
        (["--passages=../p.jsonl", "--pairs=../q.jsonl"], "--passages p.jsonl --pairs q.jsonl"),
        (
            ["--passages=../p.jsonl", "--text=../p.jsonl", "--text", "../q.jsonl"],
            "--passages p.jsonl --text p.jsonl --text q.jsonl",
        ),
        (["--passages=../p.jsonl", "--from", HUB_ID], f"--passages p.jsonl --from {HUB_ID}"),
        (["--passages=../p.jsonl", "--from={up}/here/hotchpotch"], "--passages p.jsonl --from hotchpotch"),
        (["--passages=../p.jsonl", "--teacher", "../here"], "--passages p.jsonl --teacher here"),
        (["--passages=../p.jsonl", "--data", "JaQuAD/x y"], "--passages p.jsonl --data 'JaQuAD/x y'"),
        (
            ["--passages=../p.jsonl", "--epochs=0.5", "--no-freeze-embeddings"],
            "--passages p.jsonl --epochs 0.5 --no-freeze-embeddings",
        ),
    ],
)
def test_a_card_names_files_and_hub_ids_without_the_paths_of_this_machine(
    tmp_path: Path, options: list[str], published: str
) -> None:
    words = [word.format(up=tmp_path) for word in options]
    assert line("train", "out", *words) == f"jrerank-admin train out {published}"


@pytest.mark.parametrize("folder", ["new", "{up}/new", "{up}/a/new", "../x/y/new", "../here/../new/"])
def test_nor_has_a_folder_that_is_yet_to_be_made_a_path(tmp_path: Path, folder: str) -> None:
    made = line("train", folder.format(up=tmp_path), "--passages=../p.jsonl")
    assert made == "jrerank-admin train new --passages p.jsonl"


def test_a_link_is_published_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "private.jsonl").touch()
    (tmp_path / "pages.jsonl").symlink_to(tmp_path / "private.jsonl")
    (tmp_path / "teacher").symlink_to(tmp_path / "here")
    made = line("train", "out", f"--passages={tmp_path}/pages.jsonl", "--teacher=../teacher")
    assert made == "jrerank-admin train out --passages pages.jsonl --teacher teacher"


def test_a_command_of_a_group_has_the_group_before_it(tmp_path: Path) -> None:
    made = line("models", "average", HUB_ID, f"{tmp_path}/here", "../x/mean", "--weight=0.25")
    assert made == f"jrerank-admin models average {HUB_ID} here mean --weight 0.25"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10, deadline=None)
@given(text=st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8))
def test_any_text_is_read_back_as_it_was(text: str) -> None:
    words = shlex.split(line("train", "out", "--passages=../p.jsonl", "--data", f"JaQuAD {text}"))
    assert words[-2:] == ["--data", f"JaQuAD {text}"]
