from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from jrerank.bench.report.schema import Curve, Point, Series
from jrerank.bench.report.svg import interval_plot, line_plot
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


def test_intervals_are_coloured_by_what_they_say() -> None:
    better = quality_report(0.5).differences[0]
    worse = better.model_copy(update={"difference": -0.1, "low": -0.2, "high": -0.05})
    even = better.model_copy(update={"difference": 0.0, "low": -0.1, "high": 0.1})
    assert re.findall(r'circle class="(\w+)"', interval_plot([better, worse, even])) == [
        "better",
        "worse",
        "even",
    ]
