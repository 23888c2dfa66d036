from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from jrerank.bench.report.schema import Curve, Point, Series
from jrerank.bench.report.svg import interval_plot, legend, line_plot
from unit.bench.reports import quality_report

VALUES = st.floats(0, 1e6, allow_subnormal=False)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=20), st.booleans())
def test_every_point_is_drawn_inside_the_picture(
    points: list[tuple[float, float]], logarithmic: bool
) -> None:
    series = Series(name="x", points=tuple(Point(x=x, y=y, low=y, high=y) for x, y in points))
    drawn = line_plot(Curve(title="t", x_label="x", y_label="y", logarithmic=logarithmic, series=(series,)))
    root = ET.fromstring(drawn)
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    circles = root.findall(".//circle")
    assert len(circles) == len(points)
    assert all(0 <= float(c.attrib["cx"]) <= width and 0 <= float(c.attrib["cy"]) <= height for c in circles)


def test_a_curve_without_points_is_not_drawn() -> None:
    assert line_plot(Curve(title="t", x_label="x", y_label="y", series=())) == ""


def test_twelve_lines_can_be_told_apart() -> None:
    point = Point(x=1, y=1)
    series = tuple(Series(name=f"system {number}", points=(point,)) for number in range(12))
    drawn = line_plot(Curve(title="t", x_label="x", y_label="y", series=series))
    looks = re.findall(r'<g class="(.*?)"', drawn)
    assert len(set(looks)) == 12
    assert re.findall(r'<i class="(.*?)"', legend([one.name for one in series])) == looks


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_an_axis_has_at_least_three_round_values(low: float, size: float) -> None:
    points = (Point(x=low, y=0), Point(x=low + size, y=1))
    drawn = line_plot(Curve(title="t", x_label="x", y_label="y", series=(Series(name="s", points=points),)))
    below = re.findall(r'y="294" text-anchor="middle">(.*?)<', drawn)
    assert 3 <= len(below) <= 11


def test_names_of_compared_systems_are_whole() -> None:
    long = (
        quality_report(0.5)
        .differences[0]
        .model_copy(update={"system": "a model with a long name int8 + first stage"})
    )
    assert "a model with a long name int8 + first stage − first stage" in interval_plot([long])


def test_intervals_are_coloured_by_what_they_say() -> None:
    better = quality_report(0.5).differences[0]
    worse = better.model_copy(update={"difference": -0.1, "low": -0.2, "high": -0.05})
    even = better.model_copy(update={"difference": 0.0, "low": -0.1, "high": 0.1})
    assert re.findall(r'circle class="(\w+)"', interval_plot([better, worse, even])) == [
        "better",
        "worse",
        "even",
    ]
