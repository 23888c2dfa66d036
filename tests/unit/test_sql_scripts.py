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


def test_what_is_immutable_or_stable_calls_nothing_that_is_less() -> None:
    """PostgreSQL believes it, and would keep a result that is no longer right."""
    order = ("IMMUTABLE", "STABLE", "VOLATILE")
    script = (SQL / "jrerank--0.2.0.sql").read_text(encoding="utf-8")
    functions = re.findall(r"CREATE OR REPLACE FUNCTION jrerank\.(\w+)(.*?)\$\$(.*?)\$\$;", script, re.DOTALL)
    levels = {name: order.index(re.findall("|".join(order), head)[-1]) for name, head, _ in functions}
    calls = {name: set(re.findall(r"jrerank\.(\w+)\(", body)) & levels.keys() for name, _, body in functions}
    assert len(levels) > 80
    wrong = {name: called for name in calls for called in calls[name] if levels[called] > levels[name]}
    assert wrong == {}
