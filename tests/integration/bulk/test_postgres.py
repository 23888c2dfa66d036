"""Rows of a table and of a query: in the order of their key, from a state of their own, from any of them on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from bulk_rows import lines, reranked, tiny_variables
from jrerank.admin.app import app
from jrerank.bulk.sources.postgres import PostgresSource
from jrerank.bulk.sources.source import Done, SourceRow
from jrerank.errors import ConfigurationError, InvalidInput

pytestmark = pytest.mark.filterwarnings("ignore:.*XDG_RUNTIME_DIR")
SCHEMA = """
create table questions (id bigint primary key, query text, passages text[]);
insert into questions select n, '空' || n, array['晴れ', '雨' || n, '富士山'] from generate_series(1, 50) n;
create schema "S.p";
create table "S.p"."Odd ""table" ("K y" text, q text, query text, hits jsonb);
insert into "S.p"."Odd ""table" values
  ('b', 'x', '山', '[{"id": "1", "text": "富士山", "score": 2.5}]'), ('a%s', 'x', '海', '[{"id": "2", "text": "波"}]');
create table lacking (id int, query text);
insert into lacking values (1, 'a'), (null, 'b'), (2, 'c');
create table double (id int, query text);
insert into double values (1, 'a'), (2, 'b'), (2, 'c');
create type pair as (a int, b int);
create domain pair_domain as pair;
create table wide (id int primary key, query text, passages text[]);
insert into wide select n, 'q', array[repeat('あ', 200000)] from generate_series(1, 120) n;
"""


@pytest.fixture(scope="module")
def dsn(database: Callable[[str], str]) -> str:
    return database(SCHEMA)


def test_rows_come_in_the_order_of_their_key_from_any_on(dsn: str) -> None:
    source = PostgresSource(dsn, "questions")
    rows = list(source.rows())
    assert [row.key for row in rows] == [str(number) for number in range(1, 51)]
    assert json.loads(rows[8].text) == {"id": 9, "query": "空9", "passages": ["晴れ", "雨9", "富士山"]}
    assert rows[-1].position == source.size == 50
    assert list(source.rows(Done(20, "20"))) == rows[20:]


def test_names_and_columns_may_be_odd_and_json_is_json(dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.sql"
    path.write_text('select * from "S.p"."Odd ""table" where q <> \'%s\'; -- all of them\n', encoding="utf-8")
    source = PostgresSource(dsn, str(path), "K y")
    first, second = source.rows()
    assert (first.key, second.key) == ("a%s", "b")
    assert json.loads(second.text)["hits"] == [{"id": "1", "text": "富士山", "score": 2.5}]
    assert list(source.rows(Done(1, "a%s"))) == [second]


@pytest.mark.parametrize(
    ("relation", "key", "message"),
    [
        ("lacking", "id", "1 of 3 rows have none"),
        ("double", "id", "3 rows have 2 keys"),
        ("questions", "nothing", "column jrerank_row.nothing does not exist"),
        ("nowhere", "id", 'relation "nowhere" does not exist'),
        ("no-such-file.sql", "id", "no-such-file.sql cannot be read"),
    ],
)
def test_rows_without_an_order_are_refused_before_the_first(
    relation: str, key: str, message: str, dsn: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        PostgresSource(dsn, relation, key)


@pytest.mark.parametrize("key", ["(n, n)", "row(n)", "array[(n, n)]", "(n, n)::pair", "(n, n)::pair_domain"])
def test_a_key_that_no_run_could_go_on_behind_is_refused(key: str, dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.sql"
    path.write_text(f"select {key} as id, 'q' as query from generate_series(1, 3) n")
    with pytest.raises(
        InvalidInput, match=r"--key id: it is a row of columns.*make one text or one array"
    ) as refused:
        PostgresSource(dsn, str(path))
    assert refused.value.field == "key"


@pytest.mark.parametrize(
    "key", ["array[n, n]", "array[n::text, 'a,\"b']", "n || '/' || n", "int4range(n, n + 1)"]
)
def test_a_run_goes_on_behind_what_is_made_of_several_columns(key: str, dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.sql"
    path.write_text(f"select {key} as id, 'q' as query from generate_series(1, 3) n")
    source = PostgresSource(dsn, str(path))
    first, *others = source.rows()
    assert list(source.rows(Done(1, first.key))) == others


@pytest.mark.parametrize("encoding", ["EUC_JP", "SQL_ASCII"])
def test_a_database_has_whatever_encoding_it_has(
    encoding: str, database: Callable[..., str], tmp_path: Path
) -> None:
    """Python's EUC_JP has no ①, which PostgreSQL's has; SQL_ASCII is whatever was put in."""
    dsn = database(
        "create table 表 as select '空①' || n as id, '晴れ' as query from generate_series(1, 3) n", encoding
    )
    path = tmp_path / "query.sql"
    path.write_text("select * from 表 -- ①", encoding="utf-8")
    for relation in ("表", str(path)):
        source = PostgresSource(dsn, relation)
        assert [row.key for row in source.rows(Done(1, "空①1"))] == ["空①2", "空①3"]
        assert json.loads(next(iter(source.rows())).text) == {"id": "空①1", "query": "晴れ"}


def test_bytes_that_are_no_text_are_told_in_a_line(database: Callable[..., str]) -> None:
    dsn = database(r"create table odd as select 1 as id, E'\xff' as query", "SQL_ASCII")
    with pytest.raises(InvalidInput, match='odd: invalid byte sequence for encoding "UTF8"'):
        list(PostgresSource(dsn, "odd").rows())


def test_a_query_may_not_write(dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "writes.sql"
    path.write_text("select nextval('numbers') as id, 'q' as query")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create sequence if not exists numbers")
    with pytest.raises(InvalidInput, match="read-only transaction"):
        PostgresSource(dsn, str(path))


@pytest.mark.parametrize(
    ("dsn", "message"),
    [("nonsense", "no connection string"), ("host=127.0.0.1 port=1 password=secret", "can't be reached")],
)
def test_a_database_that_is_not_there_is_an_error_without_secrets(dsn: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as error:
        PostgresSource(dsn, "questions")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        "delete from moving where id = 3",
        "insert into moving values (0, 'q')",
        "delete from moving where id = 5",
    ],
)
def test_a_run_does_not_go_on_where_rows_have_come_or_gone(change: str, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("drop table if exists moving")
        connection.execute("create table moving as select n as id, 'q' as query from generate_series(1, 9) n")
        source = PostgresSource(dsn, "moving")
        assert len(list(source.rows(Done(5, "5")))) == 4
        connection.execute("insert into moving values (10, 'new')")
        assert len(list(source.rows(Done(5, "5")))) == 5, "what comes behind is taken"
        connection.execute(change)
    with pytest.raises(InvalidInput, match="rows have come or gone"):
        list(source.rows(Done(5, "5")))


def test_a_run_sees_the_rows_that_were_there_when_it_began(dsn: str) -> None:
    rows = PostgresSource(dsn, "questions").rows()
    first = [next(rows)]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("insert into questions values (1000, 'late', '{}')")
        assert len([*first, *rows]) == 50
        connection.execute("delete from questions where id = 1000")


def test_rows_do_not_gather_in_memory(dsn: str) -> None:
    """70 MB of text go by, some MB are there."""
    import resource

    source = PostgresSource(dsn, "wide")
    rows: Iterator[SourceRow] = source.rows()
    for _ in range(40):
        next(rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(len(row.text) for row in rows) > 40_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_the_command_reranks_a_table_as_it_would_a_file_and_goes_on(
    dsn: str, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [json.loads(row.text) for row in PostgresSource(dsn, "questions").rows()]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asyncio.run(reranked(tiny_folder, tmp_path / "in.jsonl", tmp_path / "file.jsonl"))
    for name, value in tiny_variables(tiny_folder).items():
        monkeypatch.setenv(name, value)
    output = tmp_path / "table.jsonl"
    command = ["bulk", "questions", str(output), "--dsn", dsn]
    assert CliRunner().invoke(app, command).exit_code == 0
    undisturbed = output.read_bytes()
    assert lines(output) == lines(tmp_path / "file.jsonl")
    output.write_bytes(undisturbed[: len(undisturbed) // 2])
    again = CliRunner().invoke(app, command)
    assert (again.exit_code, output.read_bytes()) == (0, undisturbed), again.output
    assert "rows were done before" in again.output


def test_rows_that_come_once_a_parquet_file_is_finished_are_not_lost(
    dsn: str, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in tiny_variables(tiny_folder).items():
        monkeypatch.setenv(name, value)
    output = tmp_path / "table.parquet"
    command = ["bulk", "few", str(output), "--dsn", dsn]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table few as select 1 as id, 'q' as query, array['a'] as passages")
        for _ in range(2):
            assert CliRunner().invoke(app, command).exit_code == 0
        before = output.read_bytes()
        connection.execute("insert into few values (2, 'r', array['b'])")
    refused = CliRunner().invoke(app, command)
    assert (refused.exit_code, output.read_bytes()) == (2, before)
    assert "finished with 1 rows, and there are 2 now" in refused.output


def test_a_run_does_not_go_on_in_another_database_whatever_its_address(
    dsn: str, database: Callable[[str], str]
) -> None:
    other = database("create table questions as select 1 as id, 'q' as query")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create role reader login password 'reads'; grant select on questions to reader")
    here = PostgresSource(dsn, "questions").fingerprint
    assert PostgresSource(f"{dsn} user=reader password=reads", "questions").fingerprint == here
    assert PostgresSource(other, "questions").fingerprint != here
