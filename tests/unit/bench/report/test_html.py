"""One file, with every number in it, that loads nothing and runs nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from jrerank.bench.report.compare import compare
from jrerank.bench.report.html import html, write_html
from jrerank.bench.report.schema import Figure, System
from jrerank.errors import InvalidInput
from unit.bench.reports import quality_report, speed_report

REPORT = quality_report(0.5, 0.25, 0.8125)


class Text(HTMLParser):
    """What a reader sees."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] not in {"script", "style"}:
            self.parts.append(data)


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from numbers(one)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def test_every_number_of_the_json_can_be_read_in_the_page() -> None:
    seen = " ".join(Text(html(REPORT)).parts)
    shown = {float(text) for text in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", seen)}
    assert set(numbers(json.loads(REPORT.model_dump_json()))) <= shown


def test_the_json_itself_is_in_the_page() -> None:
    embedded = re.search(
        r'<script type="application/json" id="report">(.*?)</script>', html(REPORT), re.DOTALL
    )
    assert embedded is not None
    assert json.loads(embedded[1]) == json.loads(REPORT.model_dump_json())


def test_nothing_is_loaded_and_nothing_runs() -> None:
    page = html(REPORT)
    assert re.findall(r"https?://|url\(|@import|\bsrc=|\bon\w+=", page) == []
    assert re.findall(r"<script(?! type=\"application/json\")", page) == []


def test_texts_are_texts() -> None:
    page = html(REPORT)
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>" not in re.sub(r"<b>富士山の高さ</b>", "", page)


def test_light_dark_and_print_have_colours_of_their_own() -> None:
    page = html(REPORT)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_many_figures_are_in_tables_that_a_page_has_room_for() -> None:
    figures = tuple(Figure(name=f"p{place} of 100", value=place, unit="ms") for place in range(80, 93))
    systems = (
        System(name="fastest", figures=figures[:1] + figures[2:]),
        System(name="other", figures=figures),
    )
    page = html(REPORT.model_copy(update={"systems": systems, "differences": ()}))
    tables = re.findall(r"<table>(.*?)</table>", page[page.index("Systems") : page.index("What to set")])
    heads = [re.findall(r"p\d+ of 100", table) for table in tables]
    assert [len(head) for head in heads] == [6, 7]
    assert [name for head in heads for name in head] == [figure.name for figure in figures], (
        "in the order of who has them all"
    )


def test_of_many_systems_intervals_against_the_baseline_are_drawn() -> None:
    first = REPORT.differences[0]
    pairs = [(f"s{a}", f"s{b}") for a in range(7) for b in range(a)]
    many = tuple(first.model_copy(update={"system": a, "baseline": b}) for a, b in pairs)
    page = html(REPORT.model_copy(update={"differences": many}))
    assert "nDCG@10, with 95 % intervals, against s0" in page
    assert page.count('<text class="name"') == 6
    assert page.count("</td></tr>") > len(many)


def test_on_paper_there_is_no_heading_of_what_is_folded_away() -> None:
    page = html(REPORT)
    assert '<section class="screen"><h2>Every number</h2>' in page
    assert ".screen { display: none; }" in page.split("@media print")[1]


def test_changes_since_an_older_report_come_first() -> None:
    old = quality_report(0.9, 0.9, 0.9)
    page = html(REPORT, compare(old, REPORT))
    assert page.index("Since the older report") < page.index("Systems")
    assert "regression" in page


def test_a_report_without_samples_curves_or_examples_is_a_page_too(tmp_path: Path) -> None:
    bare = speed_report(1.0).model_copy(
        update={"curves": (), "examples": (), "differences": (), "advice": ()}
    )
    write_html(bare, tmp_path / "report.html")
    assert "pairs/s" in (tmp_path / "report.html").read_text()
    with pytest.raises(InvalidInput, match="can't be written"):
        write_html(bare, tmp_path / "no" / "report.html")
