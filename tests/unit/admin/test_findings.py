"""Checks print one line each, and the exit code tells whether one is wrong."""

from __future__ import annotations

import pytest
import typer

from jrerank.admin.findings import Finding, checked, report
from jrerank.errors import ConfigurationError


def test_a_line_for_each_and_no_exit_where_nothing_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    report([Finding("cpu", True, "two cores"), Finding("stores", None, "none")])
    assert capsys.readouterr().out == "ok    cpu       two cores\nnote  stores    none\n"


def test_the_rest_is_checked_though_one_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as exit_:
        report([Finding("port", False, "taken"), Finding("bind", True, "127.0.0.1")])
    assert exit_.value.exit_code == 1
    assert [line[:4] for line in capsys.readouterr().out.splitlines()] == ["FAIL", "ok  "]


def test_an_error_is_a_finding_too() -> None:
    def check() -> Finding:
        raise ConfigurationError("no such file")

    assert checked("model", check) == Finding("model", False, "no such file")
