"""The servers that the other tests stand on."""

from __future__ import annotations

from integration.postgres.servers import Database, PostgresServer


def test_each_is_of_its_release_and_has_what_the_tests_need(postgres: PostgresServer) -> None:
    with postgres.connect() as connection:
        row = connection.execute("SHOW server_version_num").fetchone()
    assert row is not None
    assert int(row[0]) // 10000 == postgres.major
    assert postgres.offers("dblink")
    assert postgres.offers("pgtap")


def test_http_is_only_where_the_release_has_it(postgres: PostgresServer) -> None:
    assert postgres.offers("http") == (postgres.major == 18)


def test_a_test_has_a_database_of_its_own(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE t (a int)")
        assert connection.execute("SELECT current_database()").fetchone() == (database.name,)


def test_a_stopped_server_comes_back_with_its_data(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE kept (a int)")
    database.server.stop()
    database.server.start()
    with database.connect() as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
