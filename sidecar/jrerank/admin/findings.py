"""What a check found, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import typer

from jrerank.admin.options import FAILED
from jrerank.errors import JrerankError

_MARKS = {True: "ok  ", False: "FAIL", None: "note"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `ok` is None for what is worth knowing but not wrong."""

    name: str
    ok: bool | None
    text: str


def checked(name: str, check: Callable[[], Finding]) -> Finding:
    """The check's finding, or what kept it from one."""
    try:
        return check()
    except JrerankError as error:
        return Finding(name, False, str(error))


def report(findings: Iterable[Finding]) -> None:
    """Print each as soon as it is there; exit code 1 if one is wrong."""
    wrong = False
    for finding in findings:
        print(f"{_MARKS[finding.ok]}  {finding.name:<9} {finding.text}", flush=True)
        wrong |= finding.ok is False
    if wrong:
        raise typer.Exit(FAILED)
