"""`connectors/pgwire.md`, which others build on, says what is so."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from integration.pgwire.conftest import conninfo_of
from integration.pgwire.test_clients import REQUEST, check
from jrerank.doors.pgwire import channel, conversation, faults, login, prepared
from jrerank.shipped import shipped
from sidecars import RunningSidecar

PAGE = (shipped("connectors") / "pgwire.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_its_command_works(keyless: RunningSidecar) -> None:
    (command,) = blocks("console")
    done = subprocess.run(
        command.replace("port=5433", f"port={keyless.pgwire_port}"),
        shell=True,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    check_order(json.loads(done.stdout))


def check_order(answer: dict[str, Any]) -> None:
    assert [hit["id"] for hit in answer["hits"]] == ["b", "a"]


def test_its_python_works(keyless: RunningSidecar) -> None:
    (code,) = blocks("python")
    with psycopg.connect(conninfo_of(keyless)) as connection:
        row = eval(code, {"connection": connection, "Jsonb": Jsonb, "request": REQUEST})
    check(row[0])


@pytest.mark.parametrize("sqlstate", sorted({*faults._SQLSTATES.values(), "XX000"}))
def test_every_error_is_listed(sqlstate: str) -> None:
    assert f"| {sqlstate} |" in PAGE


def test_its_times_are_those_of_the_code() -> None:
    assert f"| time | {login.LOGIN_TIMEOUT_S:g} s for all of it |" in PAGE
    assert f"stopped half-way for {channel.MESSAGE_TIMEOUT_S:g} s" in PAGE
    assert f"the next has to follow within {conversation.PARTS_TIMEOUT_S} s" in PAGE
    assert f"at most {prepared.MAX_PREPARED_BYTES >> 20} MiB in memory for each connection" in PAGE
    assert f"forgotten after {conversation.PARTS_TIMEOUT_S} s where it is larger" in PAGE.replace("\n", " ")
