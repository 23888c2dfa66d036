"""Runs under load that did other work are told apart by what their reports say they were told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jrerank.admin.bench.load_options import Arrivals, LoadOptions
from jrerank.admin.bench.load_parameters import load_parameters, rate_is_found
from jrerank.errors import InvalidInput

SIDECAR = LoadOptions(
    url="http://localhost:8080", search_url=None, template=None, dsn=None, sql=None, rate="20", seconds=30.0,
    arrivals=Arrivals.POISSON, documents="20", chars="300", log=None, timeout_ms=1000, find_p99_ms=None, pid=None,
    model="bundled",
)  # fmt: skip


def changed(before: LoadOptions, after: LoadOptions) -> set[str]:
    old, new = load_parameters(before, 1), load_parameters(after, 1)
    assert old.keys() == new.keys()
    return {name for name, value in old.items() if new[name] != value}


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ({"rate": "200"}, "rate"),
        ({"seconds": 31.5}, "seconds"),
        ({"find_p99_ms": 300.0}, "p99 limit"),
        ({"timeout_ms": 500}, "timeout"),
    ],
)
def test_another_number_is_other_work(other: dict[str, Any], name: str) -> None:
    assert changed(SIDECAR, replace(SIDECAR, **other)) == {name}


@pytest.mark.parametrize(
    ("target", "option", "name"),
    [
        ({"url": None, "search_url": "http://localhost:9200/docs/_search"}, "template", "template"),
        ({"url": None, "dsn": "postgresql://localhost/shop"}, "sql", "statement"),
        ({}, "log", "log"),
    ],
)
def test_another_text_in_a_file_is_other_work_and_another_place_is_not(
    tmp_path: Path, target: dict[str, Any], option: str, name: str
) -> None:
    files = [tmp_path / place for place in ("a", "b", "c")]
    for file, text in zip(files, ("one", "one", "two"), strict=True):
        file.write_text(text)
    first, same, other = (replace(SIDECAR, **{**target, option: file}) for file in files)
    assert changed(first, same) == set()
    assert changed(first, other) == {name}


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"gone\.jsonl can't be read"):
        load_parameters(replace(SIDECAR, log=tmp_path / "gone.jsonl"), 1)


def test_a_multiple_of_the_capacity_and_a_searched_rate_depend_on_the_build() -> None:
    assert not rate_is_found(SIDECAR)
    assert rate_is_found(replace(SIDECAR, rate="0.8x"))
    assert rate_is_found(replace(SIDECAR, find_p99_ms=300.0))
    assert not rate_is_found(replace(SIDECAR, rate="0.8x", log=Path("log.jsonl")))
