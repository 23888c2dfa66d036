"""How errors end a command, and what a shell completes."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.admin.options import plain_errors
from jrerank.errors import EngineError, InputTooLong, InvalidInput, JrerankError, ModelNotFound


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineError("it broke"), 1),
        (InvalidInput("no such line"), 2),
        (InputTooLong("too long"), 2),
        (ModelNotFound("no such model"), 3),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    error: JrerankError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as exit_, plain_errors():
        raise error
    assert exit_.value.exit_code == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_what_is_no_error_of_ours_is_a_bug_and_shows_where() -> None:
    with pytest.raises(ZeroDivisionError), plain_errors():
        raise ZeroDivisionError


def completed(words: str, shell: str = "bash") -> list[str]:
    """What the shell would offer after `words`."""
    call = {
        "_JRERANK_ADMIN_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": f"jrerank-admin {words}",
        "COMP_WORDS": f"jrerank-admin {words}",
        "COMP_CWORD": str(len(words.split(" "))),
    }
    return CliRunner().invoke(app, [], prog_name="jrerank-admin", env=call).stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("mod", {"models"}),
        ("models b", {"build"}),
        ("serve --precision ", {"int8", "fp32", "fp16", "bf16"}),
        ("serve --graph p", {"prebuilt"}),
        ("rerank --model b", {"bundled"}),
        ("doctor --model random:t", {"random:tiny-v2"}),
    ],
)
def test_the_shell_completes_commands_choices_and_models(words: str, offered: set[str]) -> None:
    assert set(completed(words)) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_installed_for_every_common_shell(
    shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    script = CliRunner().invoke(app, ["--show-completion", shell], prog_name="jrerank-admin")
    assert "_JRERANK_ADMIN_COMPLETE" in script.stdout
