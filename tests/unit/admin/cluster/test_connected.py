"""From a command's context to the cluster that it is about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer

from jrerank.admin.cluster.connected import cluster_to_change, live_cluster, speaker
from jrerank.admin.cluster.connection import Connection
from jrerank.admin.cluster.request import Request
from jrerank.admin.opensearch.commands import app
from recordings.server import RecordedServer


@pytest.fixture
def server() -> Iterator[RecordedServer]:
    routes = [("GET /a", lambda asked: {"a": 1}), ("PUT /a", lambda asked: {"done": True})]
    with RecordedServer(routes) as running:
        yield running


@pytest.fixture
def context(server: RecordedServer) -> typer.Context:
    made = typer.Context(typer.main.get_command(app))
    made.obj = lambda: Connection("JRERANK_OPENSEARCH", server.url)
    return made


def test_a_command_that_looks_asks_the_cluster(context: typer.Context) -> None:
    assert live_cluster(context).look("/a") == {"a": 1}


def test_a_change_is_sent(context: typer.Context) -> None:
    assert cluster_to_change(context, dry_run=False).ask(Request("PUT", "/a", {})) == {"done": True}


def test_a_dry_run_sends_none_and_looks_only_where_it_has_to(
    context: typer.Context, server: RecordedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cluster_to_change(context, dry_run=True).look("/a") is None
    assert server.seen == []
    looking = cluster_to_change(context, dry_run=True, looks=True)
    assert looking.look("/a") == {"a": 1}
    looking.ask(Request("PUT", "/a", {}))
    assert [one.method for one in server.seen] == ["GET"]
    assert capsys.readouterr().out.startswith("curl ")


def test_a_script_holds_no_remarks(capsys: pytest.CaptureFixture[str]) -> None:
    speaker(dry_run=True)("done")
    speaker(dry_run=False)("done")
    assert capsys.readouterr().out == "done\n"
