"""Every command of docs/bulk.md, run as it stands there; servers' addresses apart.

The one with `--ray` is in test_ray.py, where the cluster is, and the one with `--opensearch` beside a node.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from bulk_rows import tiny_variables
from jrerank.admin.app import app

pytestmark = pytest.mark.filterwarnings("ignore:.*XDG_RUNTIME_DIR")
DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "bulk.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line)[1:]
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for line in block.strip().splitlines()
]
ON_FILES = [command for command in COMMANDS if not {"--dsn", "--opensearch", "--ray"} & set(command)]
ON_POSTGRES = [command for command in COMMANDS if "--dsn" in command]
(QUERY,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
ROWS, (LINE,) = (
    [json.loads(line) for line in block.splitlines()]
    for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
)
TABLES = """
create table candidates (question_id int, id text, body text, score float);
create table questions (id int primary key, body text, query text, passages text[]);
insert into questions values (1, '空', '空', array['晴れ', '雨']), (2, '山', '山', array['富士山']);
insert into candidates values (1, 'a', '晴れ', 1), (1, 'b', '雨', 2), (2, 'c', '富士山', 1);
"""


@pytest.fixture(scope="module")
def dsn(database: Callable[[str], str]) -> str:
    return database(TABLES)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        {"id": "q1", "query": row["query"], "passages": ["富士山は高い。", "今日は晴れです。"]}
        for row in ROWS
    ]
    Path("questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(rows), "questions.parquet")
    Path("questions.sql").write_text(QUERY, encoding="utf-8")


@pytest.mark.parametrize("command", ON_FILES, ids=" ".join)
def test_files(command: list[str]) -> None:
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "2 rows, " in result.output


@pytest.mark.parametrize("command", ON_POSTGRES, ids=" ".join)
def test_tables(command: list[str], dsn: str, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in tiny_variables(tiny_folder).items():
        monkeypatch.setenv(name, value)
    command[command.index("--dsn") + 1] = dsn
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "2 rows, 3 pairs" in result.output


def test_a_line_has_the_fields_that_are_shown() -> None:
    assert CliRunner().invoke(app, ON_FILES[0]).exit_code == 0
    first = json.loads(Path("reranked.jsonl").read_text("utf-8").splitlines()[0])
    assert first.keys() == LINE.keys()
    assert first["hits"][0].keys() == LINE["hits"][0].keys()


def test_the_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (DOCS / target).exists(), target
