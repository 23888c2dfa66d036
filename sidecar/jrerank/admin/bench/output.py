"""Options that the commands share: where a report goes, and what it is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jrerank.admin.options import FAILED
from jrerank.bench.report.schema import Report

JsonOption = Annotated[
    Path | None, typer.Option("--json", help="write the report there (docs/bench-report.md)", dir_okay=False)
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", help="write it as one HTML file with plots", dir_okay=False)
]
CompareOption = Annotated[
    Path | None,
    typer.Option(
        "--compare",
        help="an older report's JSON: say what changed, and exit 1 on a regression",
        dir_okay=False,
    ),
]
ThresholdOption = Annotated[
    float,
    typer.Option("--threshold", min=0, help="with --compare: how much slower, in percent, is a regression"),
]
MeasureThresholdOption = Annotated[
    float,
    typer.Option(
        "--measure-threshold", min=0, help="with --compare: how much lower a measure, such as 0.005 of nDCG"
    ),
]


def deliver(
    report: Report,
    json: Path | None,
    html: Path | None,
    older: Path | None,
    threshold: float = 5.0,
    measure_threshold: float = 0.005,
) -> None:
    """Print the report, write what was asked for, and compare; exit code 1 if something became worse."""
    from jrerank.bench.report.compare import Thresholds, compare
    from jrerank.bench.report.html import write_html
    from jrerank.bench.report.schema import read_json, write_json
    from jrerank.bench.report.tables import print_changes, print_report

    limits = Thresholds(threshold / 100, measure_threshold)
    changes = compare(read_json(older), report, limits) if older else []
    if json:
        write_json(report, json)
    if html:
        write_html(report, html, changes)
    print_report(report)
    if changes:
        print_changes(changes)
    if any(change.regression for change in changes):
        raise typer.Exit(FAILED)
