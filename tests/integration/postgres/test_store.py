"""Passages by id from a real PostgreSQL: found, missing, slow, hung, down, and attacked."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import psycopg
import pytest

from jrerank.admin.demo.embedded_postgres import embedded_postgres
from jrerank.errors import StoreError
from jrerank.fairness.caller import on_behalf_of
from jrerank.stores.postgres import statement
from jrerank.stores.postgres.settings import PostgresSettings
from jrerank.stores.postgres.store import PostgresStore
from jrerank.stores.replies import counted_by

pytestmark = pytest.mark.filterwarnings("ignore:.*XDG_RUNTIME_DIR")
SCHEMA = """
create table docs (id text primary key, title text, text text);
insert into docs values ('a', '山', '富士山は高い'), ('b', null, '味噌汁'), ('c', null, null), ('d''; --', '', '海');
create schema "S.p";
create table "S.p"."Odd ""%(ids)s" ("Key" bigint primary key, "te%xt" text);
insert into "S.p"."Odd ""%(ids)s" values (7, '七'), (-9223372036854775808, '最小');
create table by_uuid (id uuid primary key, text text);
insert into by_uuid values ('7f3c8f50-0000-4000-8000-000000000001', '一');
create table padded (id char(5) primary key, text text);
insert into padded values ('a', '空');
create view chunks as select id, text, n from docs, generate_series(1, 2) n order by id, n;
create function slow(s double precision) returns boolean language sql volatile as 'select pg_sleep(s) is not null';
create function wrote() returns text language sql volatile as 'delete from docs returning id';
"""


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with embedded_postgres() as uri:
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(SCHEMA)
        yield uri


@asynccontextmanager
async def store_on(dsn: str, **given: object) -> AsyncIterator[PostgresStore]:
    store = PostgresStore("docs", PostgresSettings.read("docs", {"kind": "postgres", "dsn": dsn, **given}))
    try:
        yield store
    finally:
        await store.close()


async def test_passages_by_id_and_none_for_those_it_does_not_have(dsn: str) -> None:
    async with store_on(dsn, table="docs") as store:
        assert await store.fetch(["b", "nowhere", "a", "c"], 5) == {"a": "富士山は高い", "b": "味噌汁"}
        assert await store.fetch([], 5) == {}
        assert not store.returns_text


async def test_several_columns_are_a_line_each(dsn: str) -> None:
    async with store_on(dsn, table="public.docs", text_columns=["title", "text"]) as store:
        assert await store.fetch(["a", "b", "c"], 5) == {"a": "山\n富士山は高い", "b": "味噌汁"}


async def test_a_query_in_place_of_a_table(dsn: str) -> None:
    query = "select id, upper(title), text from docs where id = any(%(ids)s) and text not like '%%噌%%'"
    async with store_on(dsn, query=query) as store:
        assert await store.fetch(["a", "b"], 5) == {"a": "山\n富士山は高い"}


QUERY = "select id, text from docs where id = any(%(ids)s) order by id"


@pytest.mark.parametrize(
    "given",
    [{"table": "docs"}, *({"query": QUERY + end} for end in (" -- by id", ";", ";\n-- of texts; /* */"))],
)
async def test_a_reply_is_read_up_to_a_bound(
    dsn: str, given: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`a` has 19 bytes with its id, `b` has 10; as rows they have 3 more."""
    monkeypatch.setattr(statement, "MAX_REPLY_BYTES", 50)
    async with store_on(dsn, **given) as store:
        assert set(await store.fetch(["a", "b"], 5)) == {"a", "b"}
    monkeypatch.setattr(statement, "MAX_REPLY_BYTES", 25)
    async with store_on(dsn, **given) as store:
        assert set(await store.fetch(["a"], 5)) == {"a"}
        with pytest.raises(StoreError, match="reply is larger"):
            await store.fetch(["a", "b"], 5)
    monkeypatch.setattr(statement, "MAX_REPLY_BYTES", 5)
    async with store_on(dsn, **given) as store:
        for ids in (["a"], ["a", "b"]):
            with pytest.raises(StoreError, match="reply is larger"):
                await store.fetch(ids, 5)
        assert await store.fetch(["nowhere"], 5) == {}


async def test_what_a_reply_takes_in_memory_counts_as_the_requests(dsn: str) -> None:
    taken: list[int] = []
    async with store_on(dsn, table="docs") as store:
        with counted_by(taken.append):
            await store.fetch(["a", "b"], 5)
    assert 2 * 60 < sum(taken) < 1_000


async def test_of_several_rows_the_first_counts(dsn: str) -> None:
    query = "select id, n || text from chunks where id = any(%(ids)s) order by n"
    async with store_on(dsn, query=query) as store:
        assert await store.fetch(["b"], 5) == {"b": "1味噌汁"}


async def test_numbers_and_names_with_every_mark(dsn: str) -> None:
    query = 'select "Key", "te%%xt" from "S.p"."Odd ""%%(ids)s" where "Key" = any(%(ids)s)'
    async with store_on(dsn, query=query, id_type="bigint") as store:
        found = await store.fetch(["007", "7", "seven", str(-(2**63)), str(2**63)], 5)
    assert found == {"007": "七", "7": "七", str(-(2**63)): "最小"}


async def test_uuids_and_padded_ids_come_back_as_they_were_asked_for(dsn: str) -> None:
    async with store_on(dsn, table="by_uuid", id_type="uuid") as store:
        assert await store.fetch(["7F3C8F5000004000800000000000000" + "1", "x"], 5) == {
            "7F3C8F50000040008000000000000001": "一"
        }
    async with store_on(dsn, table="padded") as store:
        assert await store.fetch(["a"], 5) == {"a": "空"}


@pytest.mark.parametrize(
    "id", ["a' or true --", "d'; --", "{a,b}", '"a"', "a\\", "%(ids)s", "a\0", "\ud800", "x" * 1_000_000]
)
async def test_an_id_is_a_value_whatever_it_holds(dsn: str, id: str) -> None:
    async with store_on(dsn, table="docs") as store:
        found = await store.fetch([id, "a"], 5)
    assert found == {"a": "富士山は高い"} | ({"d'; --": "海"} if id == "d'; --" else {})


@pytest.mark.parametrize("table", ['docs"; delete from docs; --', "(select 1) x", "docs where true --"])
async def test_a_tables_name_is_a_name_whatever_it_holds(dsn: str, table: str) -> None:
    async with store_on(dsn, table=table) as store:
        with pytest.raises(StoreError, match="does not exist"):
            await store.fetch(["a"], 5)
    async with store_on(dsn, table="docs") as store:
        assert await store.fetch(["a"], 5)


async def test_a_query_may_not_write(dsn: str) -> None:
    async with store_on(dsn, query="select wrote(), 'x' where 'a' = any(%(ids)s)") as store:
        with pytest.raises(StoreError, match="read-only transaction"):
            await store.fetch(["a"], 5)


async def test_what_is_too_slow_stops_here_and_in_the_server(dsn: str) -> None:
    query = "select id, text from docs where id = any(%(ids)s) and slow(30)"
    async with store_on(dsn, query=query) as store:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            await store.fetch(["a"], 0.3)
        assert time.monotonic() - started < 2
        await until(lambda: not active(dsn))


async def test_a_lock_holds_nobody_up_and_the_store_recovers(dsn: str) -> None:
    async with store_on(dsn, table="docs") as store:
        with psycopg.connect(dsn) as other:
            other.execute("lock table docs in access exclusive mode")
            with pytest.raises(TimeoutError):
                await store.fetch(["a"], 0.2)
        assert await store.fetch(["a"], 5)


async def test_a_server_that_hangs_holds_nobody_up(dsn: str) -> None:
    """Stopped, it confirms no cancellation either."""
    async with store_on(dsn, table="docs", pool_size=1) as store:
        await store.fetch(["a"], 5)
        with stopped(backends(dsn)):
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                await store.fetch(["a"], 0.3)
            assert time.monotonic() - started < 2
        assert await store.fetch(["a"], 5)


async def test_who_asks_one_thing_does_not_wait_for_all_that_another_caller_asks(dsn: str) -> None:
    query = "select id, text from docs where id = any(%(ids)s) and slow(0.05)"
    async with store_on(dsn, query=query, pool_size=1) as store:
        with on_behalf_of("many"):
            many = [asyncio.create_task(store.fetch(["a"], 10)) for _ in range(8)]
        with on_behalf_of("few"):
            await asyncio.create_task(store.fetch(["a"], 10))
        assert sum(one.done() for one in many) <= 3
        await asyncio.gather(*many)


async def test_a_caller_that_leaves_stops_its_query(dsn: str) -> None:
    query = "select id, text from docs where id = any(%(ids)s) and slow(30)"
    async with store_on(dsn, query=query) as store:
        fetching = asyncio.create_task(store.fetch(["a"], 20))
        await until(lambda: bool(active(dsn)))
        fetching.cancel()
        await until(lambda: not active(dsn))


async def test_connections_that_the_server_closed_are_replaced_unseen(dsn: str) -> None:
    async with store_on(dsn, table="docs", pool_size=3) as store:
        await asyncio.gather(*(store.fetch(["a"], 5) for _ in range(6)))
        with psycopg.connect(dsn, autocommit=True) as other:
            other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'jrerank'"
            )
        await until(lambda: not backends(dsn))
        assert all(await asyncio.gather(*(store.fetch(["a"], 5) for _ in range(6))))


async def test_no_more_connections_than_allowed_and_none_left(dsn: str) -> None:
    async with store_on(dsn, table="docs", pool_size=2) as store:
        assert all(await asyncio.gather(*(store.fetch(["a"], 5) for _ in range(50))))
        assert len(backends(dsn)) <= 2
    await until(lambda: not backends(dsn))


async def test_check_says_what_is_wrong(dsn: str) -> None:
    async with store_on(dsn, table="docs") as store:
        await store.check()
    for given, said in (
        ({"table": "nowhere"}, 'relation "nowhere" does not exist'),
        ({"table": "docs", "text_columns": "body"}, 'column "body" does not exist'),
        ({"table": "docs", "id_type": "bigint"}, "operator does not exist: text = bigint"),
    ):
        async with store_on(dsn, **given) as store:
            with pytest.raises(StoreError, match=said):
                await store.check()


async def test_a_database_that_is_down_is_an_error_with_its_reason_and_without_the_password() -> None:
    async with store_on("postgresql://me:secret@127.0.0.1:1/docs", table="docs") as store:
        with pytest.raises(StoreError, match="refused") as caught:
            await store.check()
        assert "secret" not in str(caught.value)
        with pytest.raises(StoreError, match="no connection to the database"):
            await store.fetch(["a"], 5)


def backends(dsn: str, where: str = "true") -> list[int]:
    """Process ids of the store's connections."""
    query = f"select pid from pg_stat_activity where application_name = 'jrerank' and {where}"
    with psycopg.connect(dsn) as connection:
        return [pid for (pid,) in connection.execute(query.encode())]


def active(dsn: str) -> list[int]:
    return backends(dsn, "state = 'active'")


@contextmanager
def stopped(processes: list[int]) -> Iterator[None]:
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come about within 10 s")
