from __future__ import annotations

import io

from rich.console import Console

from jrerank.bench.report.compare import compare
from jrerank.bench.report.schema import Figure, System
from jrerank.bench.report.tables import print_changes, print_report
from unit.bench.reports import quality_report


def printed() -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, width=160), stream


def test_systems_differences_advice_and_notes_are_printed() -> None:
    console, stream = printed()
    print_report(quality_report(0.5, 0.7, 0.6), console)
    text = stream.getvalue()
    assert "0.6000 ±0.400" in text
    assert "+0.1235" in text
    assert "7/3/11" in text
    assert "fusion.weight=0.6" in text
    assert "note: 3 queries have no labels" in text


def test_many_systems_with_many_figures_can_be_read_on_a_narrow_terminal() -> None:
    report = quality_report(0.5, 0.7, 0.6)
    figures = tuple(Figure(name=f"p{place} of 100", value=place, unit="ms") for place in range(90, 99))
    systems = tuple(System(name=f"torch_packed bf16 own x{place}", figures=figures) for place in range(12))
    stream = io.StringIO()
    many = report.model_copy(update={"systems": systems, "differences": ()})
    print_report(many, Console(file=stream, width=80))
    text = stream.getvalue()
    assert "…" not in text
    assert text.count("own x11") == 3
    assert all(figure.name in text for figure in figures)


def test_names_are_whole_on_a_narrow_terminal() -> None:
    stream = io.StringIO()
    report = quality_report(0.5, 0.7, 0.6, name="japanese-reranker-xsmall-v2 int8")
    print_report(report, Console(file=stream, width=80))
    assert "…" not in stream.getvalue()


def test_a_regression_is_marked() -> None:
    console, stream = printed()
    print_changes(
        compare(quality_report(0.9, 0.9, 0.9), quality_report(0.5, 0.5, 0.5)), ["numpy 1, now 2"], console
    )
    assert stream.getvalue().count("REGRESSION") == 1
    assert "not as it was: numpy 1, now 2" in stream.getvalue()
