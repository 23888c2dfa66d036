"""A report on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from jrerank.bench.report.compare import Change
from jrerank.bench.report.names import figure_names
from jrerank.bench.report.numbers import heading, interval, percent, shown
from jrerank.bench.report.schema import Report

# Characters of a name and of a value with its interval, borders among them
_NAME, _VALUE = 24, 13


def print_report(report: Report, console: Console | None = None) -> None:
    """Systems, differences, advice and notes; curves and examples are left to the HTML."""
    out = console or Console()
    for table in _systems(report, out.width):
        out.print(table)
    if report.differences:
        out.print(_differences(report))
    for setting in report.advice:
        out.print(f"[bold]{setting.variable}={setting.value}[/bold]  {setting.reason}", highlight=False)
    for note in report.notes:
        out.print(f"note: {note}", markup=False, highlight=False)


def print_changes(
    changes: Sequence[Change],
    conditions: Sequence[str] = (),
    console: Console | None = None,
    gone: Sequence[str] = (),
) -> None:
    """What changed, the regressions marked, what is judged no more, and what else is not as it was."""
    out = console or Console()
    heads = ("system", "figure", "old", "new", "change", "95 % interval", "")
    table = _table(*heads, title="Compared with the older report")
    for change in changes:
        as_text = percent if change.relative else shown
        reach = (
            ""
            if change.low is None or change.high is None
            else f"{as_text(change.low)} .. {as_text(change.high)}"
        )
        mark = Text("REGRESSION", style="bold red") if change.regression else Text("")
        table.add_row(
            Text(change.system),
            change.figure,
            shown(change.old),
            shown(change.new),
            as_text(change.change),
            reach,
            mark,
        )
    out.print(table)
    for one in gone:
        out.print(
            Text.assemble(("REGRESSION", "bold red"), f" {one}: the older report has it, this one does not")
        )
    for one in conditions:
        out.print(f"not as it was: {one}", markup=False, highlight=False)


def _systems(report: Report, width: int) -> list[Table]:
    """A row per system, or per figure where a line has no room for those; several tables where it has room for neither."""
    names = figure_names(report.systems)
    columns = max(1, (width - _NAME) // _VALUE)
    if len(names) <= columns:
        return [_by_system(report, names)]
    if len(report.systems) < columns:  # the unit is a column too
        return [_by_figure(report)]
    parts = range(0, len(names), columns)
    return [_by_system(report, names[part : part + columns]) for part in parts]


def _table(*heads: str, title: str) -> Table:
    """Names are folded, never cut: two that begin alike have to be told apart."""
    return Table(*(Column(Text(head), overflow="fold") for head in heads), title=Text(title))


def _by_figure(report: Report) -> Table:
    units = {figure.name: figure.unit for system in report.systems for figure in system.figures}
    table = _table("", *(system.name for system in report.systems), "", title=report.title)
    for name in figure_names(report.systems):
        figures = [system.figure(name) for system in report.systems]
        table.add_row(name, *("" if figure is None else interval(figure) for figure in figures), units[name])
    return table


def _by_system(report: Report, names: Sequence[str]) -> Table:
    units = {figure.name: figure.unit for system in report.systems for figure in system.figures}
    parts = [heading(name, units[name]) for name in names]
    heads = [f"{name} [{unit}]" if unit else name for name, unit in parts]
    table = _table("", *heads, title=report.title)
    for system in report.systems:
        figures = [system.figure(name) for name in names]
        if not any(figures):
            continue
        table.add_row(Text(system.name), *("" if figure is None else interval(figure) for figure in figures))
    return table


def _differences(report: Report) -> Table:
    heads = ("system", "against", "difference", "95 % interval", "p (Holm)", "W/L/T")
    table = _table(*heads, title=f"Differences in {report.differences[0].figure}")
    for one in report.differences:
        if one.figure != report.differences[0].figure:
            continue
        table.add_row(
            Text(one.system),
            Text(one.baseline),
            f"{one.difference:+.4f}",
            f"{one.low:+.4f} .. {one.high:+.4f}",
            f"{one.p_adjusted:.2g}",
            f"{one.wins}/{one.losses}/{one.ties}",
        )
    return table
