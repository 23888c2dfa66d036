"""Options that the commands share: where a report goes, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jrerank.admin.options import FAILED
from jrerank.bench.report.schema import Report, read_json, write_json
from jrerank.errors import InvalidInput

if TYPE_CHECKING:
    from jrerank.bench.report.compare import Thresholds

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


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a report goes, and the older one that it is compared with."""

    json: Path | None
    html: Path | None
    older: Report | None

    @classmethod
    def open(cls, kind: str, json: Path | None, html: Path | None, compare: Path | None) -> Outputs:
        """Before anything is measured: a run of many minutes must not end at a file that isn't there.

        Raises:
            InvalidInput: the older report can't be read or is of another kind, or there is no folder to write to.
        """
        for option, path in (("json", json), ("html", html)):
            writable(path, f"--{option}")
        older = read_json(compare) if compare else None
        if older is not None and older.kind != kind:
            raise InvalidInput(
                f"{compare} is a report of `bench {older.kind}`, not of `bench {kind}`", field="compare"
            )
        return cls(json, html, older)

    def deliver(self, report: Report, threshold: float = 5.0, measure_threshold: float = 0.005) -> None:
        """Write what was asked for, print the report, and compare; exit code 1 if something became worse or vanished.

        The files are written first: a comparison that is refused must not cost the report of a long run.

        Raises:
            InvalidInput: a file can't be written, or the older report measured other work.
        """
        from jrerank.bench.report.compare import Thresholds
        from jrerank.bench.report.html import write_html
        from jrerank.bench.report.tables import print_report

        if self.json:
            write_json(report, self.json)
        if self.html:
            write_html(report, self.html)
        print_report(report)
        if self.older:
            self._compare(self.older, report, Thresholds(threshold / 100, measure_threshold))

    def _compare(self, older: Report, report: Report, thresholds: Thresholds) -> None:
        from jrerank.bench.report.compare import compare, other_conditions, vanished
        from jrerank.bench.report.html import write_html
        from jrerank.bench.report.tables import print_changes

        changes, conditions = compare(older, report, thresholds), other_conditions(older, report)
        gone = vanished(older, report)
        print_changes(changes, conditions, gone=gone)
        if self.html:
            write_html(report, self.html, changes, conditions, gone)
        if gone or any(change.regression for change in changes):
            raise typer.Exit(FAILED)


def writable(path: Path | None, option: str) -> None:
    """Before a run, that its report can be written at the end.

    Raises:
        InvalidInput: there is no folder for it.
    """
    if path is not None and not path.absolute().parent.is_dir():
        folder = path.absolute().parent
        raise InvalidInput(f"{option} {path}: there is no folder {folder}", field=option.removeprefix("--"))
