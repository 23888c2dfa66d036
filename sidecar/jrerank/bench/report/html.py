"""A report as one HTML file: no script runs, nothing is loaded, and every number of the JSON is in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from jrerank.bench.report.compare import Change
from jrerank.bench.report.names import figure_names
from jrerank.bench.report.numbers import heading, interval, percent, shown
from jrerank.bench.report.schema import Curve, Difference, Example, Figure, Hit, Report, System
from jrerank.bench.report.svg import interval_plot, legend, line_plot
from jrerank.errors import InvalidInput

_STYLE = Path(__file__).with_name("style.css")
_MOST_INTERVALS = 15
_MOST_COLUMNS = 8


def write_html(
    report: Report,
    path: Path,
    changes: Sequence[Change] = (),
    conditions: Sequence[str] = (),
    gone: Sequence[str] = (),
) -> None:
    """Write it; `changes` are those since an older report, `gone` what it judged and this one does not, `conditions` what else
    is not as it was then.

    Raises:
        InvalidInput: the file can't be written.
    """
    try:
        path.write_text(html(report, changes, conditions, gone), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} can't be written: {error.strerror}", field="html") from None


def html(
    report: Report,
    changes: Sequence[Change] = (),
    conditions: Sequence[str] = (),
    gone: Sequence[str] = (),
) -> str:
    """The page; see `write_html`."""
    parts = [
        _head(report),
        _changes(changes, conditions, gone),
        _systems(report.systems),
        _advice(report),
        _section("Curves", "".join(map(_figure, report.curves))),
        _differences(report),
        _section("Won and lost", "".join(map(_example, report.examples))),
        _section("Notes", _list(report.notes)),
        _conditions(report),
        f'<section class="screen">{_section("Every number", _numbers(report))}</section>',
    ]
    style = _STYLE.read_text(encoding="utf-8")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(report.title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{style}</style></head>\n<body>{''.join(parts)}"
        f'<script type="application/json" id="report">{_embedded(report)}</script></body></html>\n'
    )


def _embedded(report: Report) -> str:
    """The JSON, such that no text in it can end the element it stands in."""
    return report.model_dump_json().replace("<", "\\u003c")


def _head(report: Report) -> str:
    machine = report.machine
    return (
        f"<h1>{escape(report.title)}</h1>"
        f'<p class="meta">jrerank {escape(report.version)}, {escape(report.created)}; {escape(machine.cpu)},'
        f" {machine.cores} cores ({escape(machine.features)})</p>"
    )


def _section(title: str, content: str) -> str:
    return f"<h2>{title}</h2>{content}" if content else ""


def _systems(systems: Sequence[System]) -> str:
    """As many tables as it takes for each to have room, on a screen and on paper; what a system is stands in the first."""
    names = figure_names(systems)
    parts = math.ceil(len(names) / _MOST_COLUMNS)
    tables = [
        _systems_table(
            systems, names[len(names) * part // parts : len(names) * (part + 1) // parts], part == 0
        )
        for part in range(parts)
    ]
    return _section("Systems", "".join(tables))


def _systems_table(systems: Sequence[System], names: Sequence[str], described: bool) -> str:
    units = {figure.name: figure.unit for system in systems for figure in system.figures}
    parts = [heading(name, units[name]) for name in names]
    heads = [escape(name) + (f" <small>{escape(unit)}</small>" if unit else "") for name, unit in parts]
    rows = [
        [escape(system.name) + (f"<br><small>{escape(system.description)}</small>" if described else "")]
        + ["" if (figure := system.figure(name)) is None else escape(interval(figure)) for name in names]
        for system in systems
        if any(system.figure(name) for name in names)
    ]
    return _table(["", *heads], rows)


def _differences(report: Report) -> str:
    if not report.differences:
        return ""
    rows = [
        [
            escape(one.system),
            escape(one.baseline),
            escape(one.figure),
            f'<span class="{"good" if one.low > 0 else "bad" if one.high < 0 else ""}">{one.difference:+.4f}</span>',
            _unbroken(f"{one.low:+.4f} to {one.high:+.4f}"),
            shown(one.p),
            shown(one.p_adjusted),
            _unbroken(f"{one.wins} / {one.losses} / {one.ties}"),
        ]
        for one in report.differences
    ]
    heads = [
        "system",
        "against",
        "measure",
        "difference",
        "95 % interval",
        "p",
        "p (Holm)",
        "wins / losses / ties",
    ]
    return _section("Differences", _interval_figure(report.differences) + _table(heads, rows, text_columns=3))


def _interval_figure(differences: Sequence[Difference]) -> str:
    """Of the first measure; of many systems against the baseline alone."""
    first = differences[0]
    drawn = [one for one in differences if one.figure == first.figure]
    title = f"{first.figure}, with 95 % intervals"
    if len(drawn) > _MOST_INTERVALS:
        drawn = [one for one in drawn if one.baseline == first.baseline]
        title += f", against {first.baseline}"
    return f"<figure><h3>{escape(title)}</h3>{interval_plot(drawn)}</figure>"


def _changes(changes: Sequence[Change], conditions: Sequence[str], gone: Sequence[str]) -> str:
    rows = [
        [
            escape(one.system),
            escape(one.figure),
            shown(one.old),
            shown(one.new),
            percent(one.change) if one.relative else shown(one.change),
            _reach(one),
            '<span class="bad">regression</span>' if one.regression else "",
        ]
        for one in changes
    ]
    heads = ["system", "figure", "old", "new", "change", "95 % interval", ""]
    other = _list(
        [f"regression: {one}: the older report has it, this one does not" for one in gone]
        + [f"not as it was: {one}" for one in conditions]
    )
    return _section("Since the older report", _table(heads, rows) + other if rows else "")


def _reach(change: Change) -> str:
    if change.low is None or change.high is None:
        return ""
    as_text = percent if change.relative else shown
    return _unbroken(f"{as_text(change.low)} to {as_text(change.high)}")


def _unbroken(text: str) -> str:
    return text.replace(" ", "\u00a0")


def _advice(report: Report) -> str:
    rows = [[f"<code>{escape(s.variable)}={escape(s.value)}</code>", escape(s.reason)] for s in report.advice]
    return _section("What to set", _table(["setting", "why"], rows, text_columns=2) if rows else "")


def _figure(curve: Curve) -> str:
    names = [series.name for series in curve.series]
    key = legend(names) if len(names) > 1 else ""
    return f"<figure><h3>{escape(curve.title)}</h3>{line_plot(curve)}{key}</figure>"


def _example(example: Example) -> str:
    sign = "good" if example.after > example.before else "bad"
    return (
        f'<div class="example"><b>{escape(example.query)}</b> <span class="{sign}">{escape(example.figure)} '
        f"{example.before:.3f} → {example.after:.3f}</span> <small class='soft'>{escape(example.system)}</small>"
        f'<div class="lists"><div>before{_hits(example.hits_before)}</div><div>after{_hits(example.hits_after)}</div></div></div>'
    )


def _hits(hits: Iterable[Hit]) -> str:
    items = (f'<li class="{"right" if hit.gain > 0 else ""}">{escape(hit.text)}</li>' for hit in hits)
    return f"<ol>{''.join(items)}</ol>"


def _conditions(report: Report) -> str:
    machine = report.machine
    facts = {
        **report.parameters,
        "CPU": f"{machine.cpu}, {machine.cores} usable cores, {machine.features}",
        "memory": f"{machine.memory_bytes / 1e9:.1f} GB ({machine.memory_bytes} bytes)",
        "system": machine.system,
        "Python": machine.python,
        "load average before the run": str(machine.load_average),
        **machine.packages,
        **({"yardstick": report.yardstick} if report.yardstick else {}),
    }
    rows = [[escape(name), escape(value)] for name, value in facts.items()]
    return _section("Conditions", _table(["", ""], rows, text_columns=2))


def _numbers(report: Report) -> str:
    """In full, folded away; the differences too, which the tables above round."""
    figures = [[escape(s.name), escape(f.name), *_exact(f)] for s in report.systems for f in s.figures]
    exact = [
        [escape(d.system), escape(d.figure), *map(repr, (d.difference, d.low, d.high, d.p, d.p_adjusted))]
        for d in report.differences
    ]
    examples = [
        [
            escape(e.query),
            escape(e.system),
            repr(e.before),
            repr(e.after),
            *map(_gains, (e.hits_before, e.hits_after)),
        ]
        for e in report.examples
    ]
    return "".join(
        [
            _folded("Figures", _table(["system", "figure", "value", "low", "high"], figures)),
            _folded(
                "Differences",
                _table(["system", "figure", "difference", "low", "high", "p", "p (Holm)"], exact),
            ),
            _folded(
                "Examples",
                _table(["query", "system", "before", "after", "labels before", "labels after"], examples),
            ),
            *(_folded(f"Curve: {escape(curve.title)}", _points(curve)) for curve in report.curves),
            _folded("Samples", _samples(report)),
        ]
    )


def _gains(hits: Sequence[Hit]) -> str:
    return " ".join(str(hit.gain) for hit in hits)


def _exact(figure: Figure) -> list[str]:
    return [
        repr(figure.value),
        *("" if value is None else repr(value) for value in (figure.low, figure.high)),
    ]


def _points(curve: Curve) -> str:
    rows = [
        [escape(series.name), repr(p.x), repr(p.y), *("" if v is None else repr(v) for v in (p.low, p.high))]
        for series in curve.series
        for p in series.points
    ]
    return _table(["series", escape(curve.x_label), escape(curve.y_label), "low", "high"], rows)


def _samples(report: Report) -> str:
    """A row per query, round or second; a column per figure that has them."""
    columns = [
        (f"{system.name}: {figure.name}{suffix}", values)
        for system in report.systems
        for figure in system.figures
        for suffix, values in (("", figure.samples), (" (by the yardstick)", figure.relative_samples))
        if values
    ]
    length = max((len(values) for _, values in columns), default=0)
    names = report.sample_ids or tuple(map(str, range(1, length + 1)))
    rows = [
        [
            escape(names[row]) if row < len(names) else "",
            *(repr(v[row]) if row < len(v) else "" for _, v in columns),
        ]
        for row in range(length)
    ]
    return _table(["", *(escape(name) for name, _ in columns)], rows)


def _folded(title: str, table: str) -> str:
    return f"<details><summary>{title}</summary>{table}</details>" if "<td" in table else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> str:
    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=text' if place < text_columns else ''}>{cell}</{tag}>"
            for place, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    head = f"<thead><tr>{cells(heads, 'th')}</tr></thead>" if any(heads) else ""
    return f'<div class="wide"><table>{head}<tbody>{body}</tbody></table></div>'


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>" if lines else ""
