"""`postgres setup`, `status`, `search` and `remove` on real servers and a real sidecar: the way that each server offers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from integration.postgres.servers import SERVERS, Database, PostgresServer
from integration.postgres.sidecar import API_KEY, KeyedSidecar
from jrerank.admin.app import app

TRANSPORTS = {15: "dblink", 18: "http"}
PASSAGES = [
    {"id": "miso", "text": "富士そばの味噌汁の作り方"},
    {"id": "fuji", "text": "富士山の標高は3776メートルである"},
]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text(f"{API_KEY}\n")
    return tmp_path / "key"


@pytest.fixture
def addresses(sidecar: KeyedSidecar) -> list[str]:
    return ["--url", sidecar.running.url, "--pgwire", f"127.0.0.1:{sidecar.pgwire_port}"]


def run(database: Database, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["postgres", "--dsn", database.dsn(), *arguments])


def done(database: Database, *arguments: str) -> str:
    result = run(database, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("form", ["extension", "script"])
def test_a_database_learns_to_rerank_and_forgets_it(
    form: str, database: Database, addresses: list[str], key_file: Path
) -> None:
    setup = ("setup", *addresses, "--key-file", str(key_file), "--as", form)
    assert f"reranks over {TRANSPORTS[database.server.major]}" in done(database, *setup)
    status = done(database, "status")
    assert "FAIL" not in status
    assert f"over {TRANSPORTS[database.server.major]} by bundled" in status
    assert status.index("富士山の標高") < status.index("味噌汁")  # they were sent the other way round
    assert "is gone" in done(database, "remove")
    assert "not installed" in run(database, "status").stdout
    assert "nothing to take away" in done(database, "remove")


@pytest.mark.parametrize("transport", ["http", "dblink"])
def test_the_transport_may_be_chosen_and_changed(
    transport: str, database: Database, addresses: list[str], key_file: Path
) -> None:
    if not database.server.offers(transport):
        result = run(database, "setup", *addresses, "--transport", transport)
        assert (result.exit_code, result.stderr) == (
            3,
            f"error: {transport}: this server has no extension {transport}\n",
        )
        return
    done(database, "setup", *addresses, "--key-file", str(key_file))
    output = done(database, "setup", *addresses, "--transport", transport)
    assert ("--loopback --close-transport bounds it" in output) == (transport == "dblink")
    assert f"over {transport} by bundled" in done(database, "status")


def test_what_is_done_already_is_left_as_it_is(
    database: Database, addresses: list[str], key_file: Path
) -> None:
    done(database, "setup", *addresses, "--key-file", str(key_file))
    assert "done" not in done(database, "setup", *addresses)
    assert "FAIL" not in done(database, "status")


def test_an_application_role_reranks_and_reads_no_key(
    database: Database, addresses: list[str], key_file: Path
) -> None:
    role = f"app_{database.name}"
    with database.connect() as connection:
        connection.execute(f"create role {role} login".encode())
    done(database, "setup", *addresses, "--key-file", str(key_file), "--role", role)
    with database.connect(role) as connection:
        rows = connection.execute(
            "select index from jrerank.rerank('富士山', array['海', '富士山は高い'])"
        ).fetchall()
        assert rows == [(2,), (1,)]
        seen = connection.execute("select umoptions::text from pg_user_mappings").fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select umoptions from pg_user_mapping")
    assert API_KEY not in repr(seen)
    assert role in done(database, "status")
    with database.connect() as connection:
        connection.execute(f"drop role {role}".encode())


def test_the_transport_is_closed_to_others_and_the_schema_may_be_left_out(
    database: Database, addresses: list[str], key_file: Path
) -> None:
    role, transport = f"app_{database.name}", TRANSPORTS[database.server.major]
    with database.connect() as connection:
        connection.execute(f"create role {role} login".encode())
        connection.execute(
            f"alter role {role} in database {database.name} set search_path = mine, public".encode()
        )
    setup = (
        "setup",
        *addresses,
        "--key-file",
        str(key_file),
        "--role",
        role,
        "--close-transport",
        "--search-path",
    )
    for _ in range(2):
        done(database, *setup)
    with database.connect(role) as connection:
        assert connection.execute("show search_path").fetchone() == ("mine, public, jrerank",)
        rows = connection.execute(
            "select index from rerank('富士山', array['海', '富士山は高い'])"
        ).fetchall()
        assert rows == [(2,), (1,)]
        call = "http_list_curlopt()" if transport == "http" else "dblink_get_connections()"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"select {call}".encode())
    with database.connect() as connection:
        connection.execute(f"drop owned by {role}; drop role {role}".encode())


def test_a_dry_run_prints_sql_that_changes_nothing_and_tells_no_key(
    database: Database, addresses: list[str], key_file: Path
) -> None:
    sql = done(database, "setup", *addresses, "--key-file", str(key_file), "--dry-run")
    assert "create user mapping" in sql
    assert API_KEY not in sql
    assert "not installed" in run(database, "status").stdout
    psql_in = key_file.with_name("setup.sql")
    psql_in.write_text(sql.replace("********", API_KEY))
    database.server.psql("-f", str(psql_in), database=database.name)
    assert "FAIL" not in done(database, "status")
    removal = done(database, "remove", "--dry-run")
    assert "FAIL" not in done(database, "status")
    psql_in.write_text(removal)
    database.server.psql("-f", str(psql_in), database=database.name)
    assert "not installed" in run(database, "status").stdout


def test_the_key_is_in_no_log(database: Database, addresses: list[str], key_file: Path) -> None:
    with database.connect() as connection:
        connection.execute(f"alter database {database.name} set log_statement = 'all'".encode())
    done(database, "setup", *addresses, "--key-file", str(key_file))
    log = database.server.log.read_text()
    assert "from pg_available_extensions" in log  # it does log statements
    assert API_KEY not in log


def test_status_says_what_is_wrong(database: Database, addresses: list[str], key_file: Path) -> None:
    done(database, "setup", *addresses, "--key-file", str(key_file))
    key_file.write_text("another-key")
    done(database, "setup", *addresses, "--key-file", str(key_file))
    result = run(database, "status")
    assert result.exit_code == 1
    assert re.search(r"FAIL +rerank +passthrough .*unauthorized", result.stdout)
    with database.connect() as connection:
        connection.execute("drop user mapping for jrerank_owner server jrerank")
        assert re.search(r"FAIL +sidecar +.*user mapping is missing", run(database, "status").stdout)
        connection.execute("drop server jrerank cascade")
    assert re.search(r"FAIL +sidecar +there is no server", run(database, "status").stdout)


def test_the_database_looks_from_outside_whether_the_network_answers(
    database: Database, addresses: list[str], key_file: Path
) -> None:
    setup = ("setup", *addresses, "--key-file", str(key_file), "--transport", "dblink", "--loopback")
    refused = run(database, *setup)
    said = re.search(rf"first lines of pg_hba.conf .*: host {database.name} (\S+) 127", refused.stderr)
    assert (refused.exit_code, said is not None) == (3, True), refused.output
    assert re.search(r"FAIL +loopback ", run(database, "status").stdout)
    assert said is not None
    role = said[1]
    database.server.want_password(role)
    again = done(database, *setup)
    assert ("server jrerank_loopback" not in again, "--close-transport bounds it" not in again) == (
        True,
        True,
    )
    assert re.search(r"ok +loopback ", done(database, "status"))
    with database.connect() as connection:
        connection.execute(f"alter role {role} password 'another'".encode())
    assert re.search(r"FAIL +loopback .*password authentication failed", run(database, "status").stdout)
    assert "server jrerank_loopback" in done(database, *setup)
    with database.connect() as connection:  # as in a copy of a database
        connection.execute("alter server jrerank_loopback options (set dbname 'postgres')")
    assert re.search(r"FAIL +loopback .*leads to the database postgres", run(database, "status").stdout)
    assert "server jrerank_loopback" in done(database, *setup)
    assert "FAIL" not in done(database, "status")
    assert "jrerank_loopback and its role are gone" in done(database, "remove")
    with database.connect() as connection:
        assert not connection.execute("select from pg_roles where rolname = %s", (role,)).fetchall()


def test_over_http_no_loopback_is_needed(database_18: Database, addresses: list[str]) -> None:
    output = done(database_18, "setup", *addresses, "--loopback")
    assert "no loopback was made: http keeps its deadlines without" in output
    assert "server jrerank_loopback" not in output


def test_views_that_use_the_functions_keep_them_from_being_removed(
    database: Database, addresses: list[str], key_file: Path
) -> None:
    done(database, "setup", *addresses, "--key-file", str(key_file), "--as", "script")
    with database.connect() as connection:
        connection.execute("create view mine as select jrerank.version()")
    result = run(database, "remove")
    assert result.exit_code == 1
    assert "these views use the functions: mine" in result.stderr
    assert "FAIL" not in done(database, "status")


def test_vectors_need_pgvector(database: Database, tmp_path: Path) -> None:
    (tmp_path / "passages.jsonl").write_text('{"text": "空", "vector": [1, 0]}')
    result = run(database, "index", "passages", str(tmp_path / "passages.jsonl"))
    if database.server.offers("vector"):
        assert "hnsw" in result.stdout
    else:
        assert (result.exit_code, "no pgvector" in result.stderr) == (3, True)


def test_a_search_is_reranked(
    database: Database, addresses: list[str], key_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "passages.jsonl").write_text("\n".join(map(json.dumps, PASSAGES)))
    done(database, "index", "passages", str(tmp_path / "passages.jsonl"))
    before = run(database, "search", "passages", "富士山の高さ")
    assert (before.exit_code, "postgres setup" in before.stderr) == (3, True)
    done(database, "setup", *addresses, "--key-file", str(key_file))
    lines = done(database, "search", "passages", "富士山の高さは？", "--json").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["fuji", "miso"]
    assert 0 < json.loads(lines[0])["score"] <= 1
    with database.connect() as connection:
        connection.execute("drop user mapping for jrerank_owner server jrerank")
    result = run(database, "search", "passages", "富士山の高さは？", "--json")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 2)
    assert "note: not all hits were reranked: passthrough" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "name the sidecar"),
        (["--url", "10.0.0.7:8080"], 2, "must be like http://"),
        (["--pgwire", "10.0.0.7"], 2, "HOST:PORT"),
        (["--pgwire", "10.0.0.7:70000"], 2, "HOST:PORT"),
        (["--pgwire", "10.0.0.7:5433", "--transport", "dblink"], 3, "an API key is needed"),
        (["--url", "http://10.0.0.7:8080", "--transport", "dblink"], 3, "--pgwire HOST:PORT is needed"),
        (["--url", "http://127.0.0.1:1", "--key-file", "/no/such"], 3, "cannot be read"),
    ],
)
def test_errors_are_one_line(arguments: list[str], code: int, said: str, database: Database) -> None:
    result = run(database, "setup", *arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (code, 1), result.output
    assert said in result.stderr


def test_on_the_servers_own_machine_the_files_are_placed(
    postgres15: PostgresServer, addresses: list[str], key_file: Path
) -> None:
    """A server of its own, since the files belong to a whole server."""
    with SERVERS[15]() as server:
        for file in server.extensions.glob("jrerank*"):
            file.unlink()
        database = Database(server, "postgres")
        setup = ("setup", *addresses, "--key-file", str(key_file))
        assert f"would go to {server.extensions}" in done(database, *setup, "--dry-run")
        assert not list(server.extensions.glob("jrerank*"))
        assert f"are in {server.extensions}" in done(database, *setup)
        assert "as an extension" in done(database, "status")
