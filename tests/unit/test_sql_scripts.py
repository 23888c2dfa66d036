"""The scripts of the PostgreSQL extension are made of their parts."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SQL = REPOSITORY / "sql"


def test_they_are_those_of_their_parts() -> None:
    made = runpy.run_path(str(SQL / "build.py"))["scripts"]()
    for name, text in made.items():
        assert (SQL / name).read_text(encoding="utf-8") == text, (
            f"run python sql/build.py: {name} is older than source/"
        )


def test_the_version_that_is_installed_is_the_one_that_is_made() -> None:
    version = runpy.run_path(str(SQL / "build.py"))["VERSION"]
    assert f"default_version = '{version}'" in (SQL / "jrerank.control").read_text(encoding="utf-8")


def test_wherever_hits_are_collected_it_is_in_the_form_that_copies_none() -> None:
    pages = [
        *REPOSITORY.glob("*.md"),
        *REPOSITORY.glob("*/*.md"),
        *REPOSITORY.glob("sidecar/jrerank/**/*.py"),
    ]
    calls = [
        call
        for page in pages
        for call in re.findall(r"jrerank\.hits\(\s*[\w.]+\(?", page.read_text(encoding="utf-8"))
    ]
    assert len(calls) > 5
    assert set(calls) == {"jrerank.hits(jrerank.hit("}
