"""Labels from a click log, corrected for the place in which a hit was shown: whatever stands first is clicked most."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jrerank.evaluation.layouts.rows import Row, read_rows


@dataclass(frozen=True, slots=True)
class Impression:
    """A hit that was shown: its place from 1, and whether it was clicked."""

    query: str
    id: str
    position: int
    clicked: bool


@dataclass(frozen=True, slots=True)
class Label:
    """Of a query and a passage."""

    query: str
    id: str
    gain: int


def read_clicks(path: Path) -> list[Impression]:
    """JSONL with `query`, `id`, `position` and `clicked`, a line for each hit that was shown.

    Raises:
        InvalidInput: the file can't be read, or a line lacks something.
    """
    return [_impression(row) for row in read_rows(path)]


def _impression(row: Row) -> Impression:
    position, clicked = row.get("position"), row.get("clicked", False)
    if not isinstance(position, int) or position < 1 or not isinstance(clicked, bool | int):
        raise row.wrong("`position` must be an integer from 1, `clicked` true or false")
    return Impression(row.text("query"), row.text("id"), position, bool(clicked))


def labels_from_clicks(
    impressions: Iterable[Impression], least_shown: int = 5, relevant_from: float = 1.5
) -> list[Label]:
    """Clicks over expected clicks (Zhang and Jones, 2007): expected is what the average hit gets in the same places.

    A pair that was shown fewer than `least_shown` times is left out. From `relevant_from` times what was expected its label is 1,
    from twice that 2, else 0. Queries without a relevant passage are left out: they can't be measured.
    """
    shown = list(impressions)
    rates = _rates(shown)
    clicks: Counter[tuple[str, str]] = Counter()
    expected: defaultdict[tuple[str, str], float] = defaultdict(float)
    times: Counter[tuple[str, str]] = Counter()
    for one in shown:
        pair = (one.query, one.id)
        times[pair] += 1
        clicks[pair] += one.clicked
        expected[pair] += rates[one.position]
    labels = [
        Label(*pair, _gain(clicks[pair] / expected[pair] if expected[pair] else 0.0, relevant_from))
        for pair, count in times.items()
        if count >= least_shown
    ]
    useful = {label.query for label in labels if label.gain}
    return [label for label in labels if label.query in useful]


def _rates(impressions: list[Impression]) -> dict[int, float]:
    """Clicks per impression in each place."""
    shown = Counter(one.position for one in impressions)
    clicked = Counter(one.position for one in impressions if one.clicked)
    return {position: clicked[position] / count for position, count in shown.items()}


def _gain(ratio: float, relevant_from: float) -> int:
    return 0 if ratio < relevant_from else 1 if ratio < 2 * relevant_from else 2
