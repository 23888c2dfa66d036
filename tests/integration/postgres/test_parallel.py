"""Which plans stay parallel beside a rerank: PostgreSQL tells who has read the rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from integration.postgres.installed import Installed
from integration.postgres.liar import Liar
from integration.postgres.test_reference import FUNCTIONS

LiedTo = tuple[Installed, Liar]
Connection = psycopg.Connection[tuple[object, ...]]
# A table that is worth two workers, seen through a view that tells who reads it
NOTES = """
CREATE TABLE many AS SELECT g AS id, 'text 富士 ' || g AS body FROM generate_series(1, 5000) g;
ANALYZE many;
CREATE FUNCTION tell() RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE AS
  $$BEGIN RAISE NOTICE 'read by %', pg_backend_pid(); RETURN true; END$$;
CREATE VIEW notes AS SELECT id, body FROM many WHERE id < 50 AND tell();
"""
EAGER = """
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off;
"""
COLLECTED = "(SELECT jrerank.hits(jrerank.hit(id, body) ORDER BY id) FROM notes)"


@pytest.fixture
def session(lied_to: LiedTo) -> Iterator[Connection]:
    with lied_to[0].database.connect() as connection:
        connection.execute(NOTES)
        connection.execute(EAGER)
        yield connection


def readers(connection: Connection, statement: str) -> set[str]:
    """Whether this session has read the rows, or workers."""
    told: list[str] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        told.extend(re.findall(r"^read by (\d+)", notice.message_primary or ""))

    connection.add_notice_handler(note)
    connection.execute(statement.encode())
    connection.remove_notice_handler(note)
    return {"session" if int(pid) == connection.info.backend_pid else "workers" for pid in told}


def test_hits_are_collected_in_parallel(session: Connection) -> None:
    assert readers(session, f"SELECT cardinality({COLLECTED})") == {"workers"}
    assert readers(session, "SELECT jrerank.hits(id, body, 1 ORDER BY id) FROM notes") == {"workers"}


def test_a_status_keeps_no_plan_from_being_parallel(session: Connection) -> None:
    statement = "SELECT count(*), (SELECT outcome FROM jrerank.rerank_status()) FROM notes"
    assert readers(session, statement) == {"workers"}


def test_a_first_stage_in_a_function_is_parallel_beside_a_rerank(session: Connection) -> None:
    """As the README says; written into the statement it isn't, but is no error either."""
    [block] = re.findall(r"```sql\n(.*?)```", FUNCTIONS, re.DOTALL)
    made, statement = block.split("\n\n")
    session.execute(made.encode())
    assert readers(session, statement) == {"workers"}
    assert readers(session, f"SELECT * FROM jrerank.rerank_hits('富士', {COLLECTED})") == {"session"}


def test_a_search_is_parallel(session: Connection) -> None:
    statement = "SELECT * FROM jrerank.search('富士', 'notes', text_column => 'body')"
    assert readers(session, statement) == {"workers"}
