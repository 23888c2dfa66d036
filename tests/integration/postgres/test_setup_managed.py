"""`postgres setup` where nobody is a superuser, as on managed PostgreSQL: dblink is there, and no file can be placed.

On servers of its own, since roles belong to a whole server, and jrerank's must not be there before.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from integration.postgres.servers import SERVERS, SUPERUSER, PostgresServer
from integration.postgres.sidecar import API_KEY, KeyedSidecar
from jrerank.admin.app import app

ADMIN = "admin"


@pytest.fixture(params=sorted(SERVERS))
def server(
    request: pytest.FixtureRequest, postgres15: object, postgres18: object
) -> Iterator[PostgresServer]:
    """The session's servers are asked for as well: where one can't be had, that skips."""
    with SERVERS[request.param]() as one:
        yield one


@pytest.mark.parametrize("may_create_roles", [True, False])
def test_the_script_and_dblink_serve(
    may_create_roles: bool, server: PostgresServer, sidecar: KeyedSidecar, tmp_path: Path
) -> None:
    with server.connect() as connection:
        connection.execute(f"create role {ADMIN} login {'createrole' if may_create_roles else ''}".encode())
        connection.execute(f"grant create on database postgres to {ADMIN}".encode())
        connection.execute("create extension dblink")
        connection.execute(f"grant usage on foreign data wrapper dblink_fdw to {ADMIN}".encode())
    (tmp_path / "key").write_text(API_KEY)
    addresses = ("--url", sidecar.running.url, "--pgwire", f"127.0.0.1:{sidecar.pgwire_port}")
    setup = ("setup", *addresses, "--key-file", str(tmp_path / "key"), "--as", "script")
    assert "reranks over dblink" in done(server, *setup)
    assert "functions" not in done(server, *setup)
    assert "FAIL" not in done(server, "status")
    if not may_create_roles:
        refused = run(server, *setup, "--role", "app")
        assert (refused.exit_code, "may not create roles" in refused.stderr) == (3, True)
    looked = run(server, *setup, "--loopback")
    if may_create_roles:
        role = looked.stderr.partition("host postgres ")[2].split()[0]
        server.want_password(role)
        assert "loopback" not in done(server, *setup, "--loopback")
        assert "ok    loopback" in done(server, "status")
    else:
        assert (looked.exit_code, "--loopback: this role may not create" in looked.stderr) == (3, True)
    closed = run(server, *setup, "--close-transport")  # dblink is the superuser's
    assert f"belong to {SUPERUSER}: run setup as that role, or leave out --close-transport" in closed.stderr
    assert (closed.exit_code, "nobody but" in closed.stdout) == (1, False)
    done(server, *setup, user=SUPERUSER)
    assert "FAIL" not in done(server, "status", user=SUPERUSER)
    assert "is gone" in done(server, "remove")


def run(server: PostgresServer, *arguments: str, user: str = ADMIN) -> Result:
    return CliRunner().invoke(app, ["postgres", "--dsn", server.dsn(user=user), *arguments])


def done(server: PostgresServer, *arguments: str, user: str = ADMIN) -> str:
    result = run(server, *arguments, user=user)
    assert result.exit_code == 0, result.output
    return result.stdout
