"""Plots as inline SVG: no script, no network; colours are the page's own variables, so that they follow light, dark and print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from jrerank.bench.report.numbers import shown
from jrerank.bench.report.schema import Curve, Difference, Point

_WIDTH, _HEIGHT = 760, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 12, 44
_FEWEST_TICKS = 4
COLOURS = 8
_ROW, _EDGE = 40, 24


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to pixels."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = (self._place(one) for one in (self.low, self.high, value))
        return round(self.start + (at - low) / ((high - low) or 1.0) * (self.end - self.start), 1)

    def _place(self, value: float) -> float:
        return math.log10(max(value, 1e-12)) if self.logarithmic else value

    def ticks(self) -> list[float]:
        """Round values within the scale."""
        return _decades(self.low, self.high) if self.logarithmic else _steps(self.low, self.high)


def line_plot(curve: Curve) -> str:
    """One line per series, with a band where its points have intervals."""
    points = [point for series in curve.series for point in series.points]
    if not points:
        return ""
    logarithmic = curve.logarithmic and all(point.x > 0 for point in points)
    x = _Scale(*_reach([p.x for p in points], 0.0), _LEFT, _WIDTH - _RIGHT, logarithmic)
    heights = [value for p in points for value in (p.y, p.low, p.high) if value is not None]
    y = _Scale(*_reach(heights, 0.08), _HEIGHT - _BOTTOM, _TOP)
    drawn = "".join(_line(series.points, x, y, number) for number, series in enumerate(curve.series))
    return _svg(_HEIGHT, curve.title, _axes(x, y, curve.x_label, curve.y_label) + drawn)


def legend(names: Sequence[str]) -> str:
    """The lines of the series, in HTML."""
    items = (
        f'<span><i class="{_look(number)}"></i>{escape(name)}</span>' for number, name in enumerate(names)
    )
    return f'<p class="legend">{"".join(items)}</p>'


def interval_plot(differences: Sequence[Difference]) -> str:
    """A row for each, its names above it: its mean and its interval around the line of no difference."""
    values = [value for one in differences for value in (one.low, one.high, 0.0)]
    height = _ROW * len(differences) + _BOTTOM
    scale = _Scale(*_reach(values, 0.08), _EDGE, _WIDTH - _EDGE)
    rows = "".join(_interval_row(one, scale, _ROW * (number + 0.8)) for number, one in enumerate(differences))
    base = height - _BOTTOM + 8
    zero = f'<line class="zero" x1="{scale(0)}" x2="{scale(0)}" y1="4" y2="{base}"/>'
    ticks = "".join(_text(scale(tick), base + 16, shown(tick), "middle") for tick in scale.ticks())
    return _svg(height, "Differences with their 95 % intervals", zero + rows + ticks)


def _interval_row(one: Difference, scale: _Scale, y: float) -> str:
    kind = "better" if one.low > 0 else "worse" if one.high < 0 else "even"
    name = f'<text class="name" x="0" y="{y - 12}">{escape(one.system)} − {escape(one.baseline)}</text>'
    bar = f'<line class="bar {kind}" x1="{scale(one.low)}" x2="{scale(one.high)}" y1="{y}" y2="{y}"/>'
    title = f"{one.system} against {one.baseline}: {one.difference:+.4f} ({one.low:+.4f} to {one.high:+.4f})"
    return f'<g><title>{escape(title)}</title>{name}{bar}<circle class="{kind}" cx="{scale(one.difference)}" cy="{y}" r="5"/></g>'


def _line(points: Sequence[Point], x: _Scale, y: _Scale, number: int) -> str:
    at = [(x(point.x), y(point.y)) for point in points]
    path = " ".join(f"{left},{top}" for left, top in at)
    dots = "".join(
        f'<circle cx="{left}" cy="{top}" r="3.5"><title>{shown(p.x)}: {shown(p.y)}</title></circle>'
        for (left, top), p in zip(at, points, strict=True)
    )
    return f'<g class="{_look(number)}">{_band(points, x, y)}<polyline points="{path}"/>{dots}</g>'


def _band(points: Sequence[Point], x: _Scale, y: _Scale) -> str:
    known = [(p.x, p.low, p.high) for p in points if p.low is not None and p.high is not None]
    if len(known) < 2:
        return ""
    upper = [f"{x(at)},{y(high)}" for at, _, high in known]
    lower = [f"{x(at)},{y(low)}" for at, low, _ in reversed(known)]
    return f'<polygon class="band" points="{" ".join(upper + lower)}"/>'


def _axes(x: _Scale, y: _Scale, x_label: str, y_label: str) -> str:
    lines = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick)}" y2="{y(tick)}"/>'
        + _text(_LEFT - 8, y(tick) + 4, shown(tick), "end")
        for tick in y.ticks()
    )
    lines += "".join(_text(x(tick), _HEIGHT - _BOTTOM + 18, shown(tick), "middle") for tick in x.ticks())
    lines += _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, x_label, "middle")
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    return lines + (
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{escape(y_label)}</text>'
    )


def _svg(height: float, title: str, content: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">{content}</svg>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _look(number: int) -> str:
    """A colour; where they are used up, they come again dashed, then dotted."""
    return f"s{number % COLOURS} d{number // COLOURS % 3}"


def _reach(values: Sequence[float], margin: float) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * margin or (abs(high) * 0.05 or 1.0) * (margin > 0)
    return low - room, high + room


def _steps(low: float, high: float) -> list[float]:
    step = _round_step((high - low) / _FEWEST_TICKS)
    first = math.ceil(low / step)
    return [round(number * step, 12) for number in range(first, math.floor(high / step) + 1)]


def _round_step(most: float) -> float:
    """The largest round number up to `most`."""
    if most <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(most))
    return next(factor * power for factor in (5, 2, 1) if factor * power <= most * 1.001)


def _decades(low: float, high: float) -> list[float]:
    begin, end = math.floor(math.log10(low)), math.ceil(math.log10(high))
    values = [factor * 10.0**power for power in range(begin, end + 1) for factor in (1, 2, 5)]
    return [value for value in values if low * 0.999 <= value <= high * 1.001]
