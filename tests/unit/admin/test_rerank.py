"""`rerank`: lines in, better lines out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jrerank.admin.app import app

RIGHT = "富士山の標高は3776メートルで、日本で最も高い山である"


def rerank(*arguments: str, stdin: bytes | str = b"") -> Result:
    command = ["rerank", "富士山の標高", *arguments, "--model", "bundled"]
    return CliRunner().invoke(app, command, input=stdin)


def test_a_table_has_the_best_first(tmp_path: Path) -> None:
    (tmp_path / "passages.txt").write_text(f"味噌汁の作り方\n\n{RIGHT}\n", encoding="utf-8")
    result = rerank(str(tmp_path / "passages.txt"))
    rows = [line for line in result.stdout.splitlines() if line.startswith("│")]
    assert result.exit_code == 0
    assert [row.split("│")[1:5:3] for row in rows] == [[" 1    ", " 3  "], [" 2    ", " 1  "]]
    assert "富士山" in rows[0]


def test_jsonl_has_old_and_new_places(tmp_path: Path) -> None:
    lines = [{"id": "a", "text": "味噌汁", "score": 2.5}, {"text": RIGHT}]
    result = rerank("--json", stdin="\n".join(json.dumps(line) for line in lines))
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert (first["id"], first["first_rank"], first["first_score"], first["text"]) == ("2", 2, None, RIGHT)
    assert (second["id"], second["first_rank"], second["first_score"]) == ("a", 1, 2.5)
    assert first["score"] > second["score"]


def test_top_n_prints_fewer_and_an_empty_list_is_no_error() -> None:
    assert len(rerank("--json", "--top-n", "1", stdin="空\n海\n").stdout.splitlines()) == 1
    assert rerank("--json", stdin="").exit_code == 0


def test_what_is_not_scored_in_time_follows_and_that_is_said() -> None:
    lines = [f"{i}番の文書。" + "長い文章である。" * 60 for i in range(3000)]
    result = rerank("--json", "--timeout-ms", "100", stdin="\n".join(lines))
    assert len(result.stdout.splitlines()) == 3000
    assert result.exit_code == 0
    assert "of 3000 passages were scored (deadline)" in result.stderr


def test_brackets_and_escape_sequences_are_shown_as_text() -> None:
    result = rerank(stdin="[/b] \x1b[31m赤\n")
    assert result.exit_code == 0
    assert "[/b]" in result.stdout
    assert "\x1b[31m" not in result.stdout


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        (b'{"text": "a"}\n\n{"text": 5}', "line 3 is not a JSON object with `text`: `text` must be a string"),
        (b'{"id": 1}', "line 1 is not a JSON object with `text`: it has no 'text'"),
        (b"\xff", "stdin is not UTF-8: invalid start byte at byte 0"),
    ],
)
def test_a_wrong_line_is_one_line_and_exit_code_2(stdin: bytes, said: str) -> None:
    result = rerank(stdin=stdin)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {said}\n"


@pytest.mark.parametrize("name", ["nowhere.txt", ""])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    result = rerank(str(tmp_path / name))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {tmp_path / name} cannot be read: ")


@pytest.mark.parametrize("option", [["--precision", "int4"], ["--top-n", "0"], ["--timeout-ms", "0"]])
def test_a_wrong_option_is_named(option: list[str]) -> None:
    result = rerank(*option)
    assert (result.exit_code, option[0] in result.stderr) == (2, True)


def test_an_unknown_model_is_one_line_and_exit_code_3() -> None:
    result = CliRunner().invoke(app, ["rerank", "x", "--model", "random:huge"], input="a\n")
    assert result.exit_code == 3
    assert "random:xsmall-v2" in result.stderr


def test_a_terminal_that_has_no_emoji_gets_json_in_ascii() -> None:
    arguments = ["rerank", "空", "--json", "--model", "bundled"]
    line = json.dumps({"text": "🍣"})
    done = subprocess.run(
        [sys.executable, "-m", "jrerank.admin", *arguments],
        input=line.encode(),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "cp932"},
    )
    assert json.loads(done.stdout)["text"] == "🍣"


def test_only_line_ends_end_a_line(tmp_path: Path) -> None:
    file = tmp_path / "windows.jsonl"
    file.write_bytes("\ufeff".encode() + '{"text": "一\u2028二"}\r\n{"text": "三"}\r\n'.encode())
    result = rerank(str(file), "--json")
    printed = result.stdout.rstrip("\n").split("\n")
    assert sorted(json.loads(line)["text"] for line in printed) == ["一\u2028二", "三"]
