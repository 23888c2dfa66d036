"""The scripts of the PostgreSQL extension are made of their parts."""

from __future__ import annotations

import runpy
from pathlib import Path

SQL = Path(__file__).parents[2] / "sql"


def test_they_are_those_of_their_parts() -> None:
    made = runpy.run_path(str(SQL / "build.py"))["scripts"]()
    for name, text in made.items():
        assert (SQL / name).read_text(encoding="utf-8") == text, (
            f"run python sql/build.py: {name} is older than source/"
        )


def test_the_version_that_is_installed_is_the_one_that_is_made() -> None:
    version = runpy.run_path(str(SQL / "build.py"))["VERSION"]
    assert f"default_version = '{version}'" in (SQL / "jrerank.control").read_text(encoding="utf-8")
