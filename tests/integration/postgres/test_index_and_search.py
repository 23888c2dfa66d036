"""`postgres index` and `postgres search` on a real server: Japanese is found, loads are resumed, vectors are fused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from jrerank.admin.app import app
from jrerank.admin.demo.embedded_postgres import embedded_postgres

pytestmark = pytest.mark.filterwarnings("ignore:.*XDG_RUNTIME_DIR")
PASSAGES = [
    {"id": "fuji", "title": "富士山", "text": "富士山は日本で最も高い山である。", "vector": [1, 0, 0]},
    {"id": "miso", "text": "味噌汁は味噌を溶いた汁物である。", "vector": [0, 1, 0]},
    {"id": "kita", "title": "北岳", "text": "北岳は日本で二番目に高い山である。", "vector": [0.9, 0.1, 0]},
    {"id": "umi", "text": "海は広い。", "vector": [0, 0, 1]},
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with embedded_postgres() as dsn:
        yield dsn


@pytest.fixture
def dsn(server: str) -> Iterator[str]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create database passages")
        yield psycopg.conninfo.make_conninfo(server, dbname="passages")
        connection.execute("drop database passages with (force)")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "passages.jsonl", PASSAGES)


def written(file: Path, passages: list[dict[str, Any]]) -> Path:
    lines = (json.dumps(passage, ensure_ascii=False) for passage in passages)
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def run(dsn: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["postgres", "--dsn", dsn, *arguments])


def found(dsn: str, *arguments: str) -> list[str]:
    result = run(dsn, "search", "passages", *arguments, "--no-rerank", "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line)["id"] for line in result.stdout.splitlines()]


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def test_japanese_is_found_by_bm25(dsn: str, file: Path) -> None:
    result = run(dsn, "index", "passages", str(file))
    assert result.exit_code == 0, result.output
    assert "loaded    4 passages" in result.stdout
    assert "bm25, hnsw" in result.stdout
    assert found(dsn, "富士山の高さ") == ["fuji"]
    assert found(dsn, "高い山") == ["fuji", "kita"] or found(dsn, "高い山") == ["kita", "fuji"]
    assert found(dsn, "クジラ") == []


def test_neighbours_of_the_querys_vector_are_fused_with_the_texts_hits(dsn: str, file: Path) -> None:
    run(dsn, "index", "passages", str(file))
    assert found(dsn, "富士山", "--vector", "[0.9, 0.1, 0]", "--window", "2") == ["fuji", "kita"]
    assert found(dsn, "味噌", "--vector", "[0, 0, 1]", "--top-n", "2") == ["miso", "umi"]


def test_without_bm25_a_tsvector_serves(dsn: str, file: Path) -> None:
    run(dsn, "index", "passages", str(file))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("drop index passages_bm25")
        connection.execute("create index on passages using gin (to_tsvector('simple', tokens))")
    assert found(dsn, "富士山の高さ") == ["fuji"]
    assert set(found(dsn, "高い山")) == {"fuji", "kita"}


def test_a_load_goes_on_where_one_broke_off(dsn: str, file: Path) -> None:
    broken = written(file.with_name("broken.jsonl"), [*PASSAGES[:2], {"id": "x"}])
    assert run(dsn, "index", "passages", str(broken)).exit_code == 2
    run(dsn, "index", "passages", str(written(file.with_name("half.jsonl"), PASSAGES[:2])))
    changed = [PASSAGES[0] | {"text": "富士山は3776メートルである。"}, *PASSAGES[1:]]
    result = run(dsn, "index", "passages", str(written(file, changed)))
    assert "loaded    3 passages into passages, 1 were there unchanged" in result.stdout
    assert rows(dsn, "select count(*) from passages") == [(4,)]
    assert found(dsn, "3776") == ["fuji"]
    again = run(dsn, "index", "passages", str(file), "--reload")
    assert "loaded    4 passages into passages, 0 were there unchanged" in again.stdout


def test_of_several_lines_with_one_id_the_last_counts(dsn: str, file: Path) -> None:
    written(file, [{"id": "a", "text": "一つ目"}, {"id": "a", "text": "二つ目"}])
    assert run(dsn, "index", "passages", str(file)).exit_code == 0
    assert rows(dsn, "select id, text from passages") == [("a", "二つ目")]


def test_a_table_of_any_name_in_any_schema(dsn: str, file: Path) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute('create schema "S p"')
    table = 'S p.Da"ta; drop table x'
    assert run(dsn, "index", table, str(file)).exit_code == 0
    result = run(dsn, "search", table, "富士山", "--no-rerank")
    assert "fuji" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["search", "nowhere", "山", "--no-rerank"], 1, "does not exist"),
        (["search", "passages", "山", "--vector", "[1, x]"], 2, "--vector must be a JSON list"),
        (["search", "a.b.c", "山"], 2, "not a table's name"),
        (["index", "passages", "nowhere.jsonl"], 2, "nowhere.jsonl"),
    ],
)
def test_errors_are_one_line(arguments: list[str], code: int, said: str, dsn: str) -> None:
    result = run(dsn, *arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (code, 1), result.output
    assert said in result.stderr


@pytest.mark.parametrize("bad", ["postgresql://me:secret@127.0.0.1:1/x", "secret", "host=127.0.0.1 secret=1"])
def test_a_database_that_cannot_be_reached_is_one_line_without_the_password(bad: str) -> None:
    result = run(bad, "search", "passages", "山")
    assert (result.exit_code, result.stderr.count("\n")) == (3, 1)
    assert "secret" not in result.output
