"""Numbers for people: as many digits as carry something."""

from __future__ import annotations

from jrerank.bench.report.schema import Figure


def shown(value: float) -> str:
    """Four significant digits, whole numbers whole."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"


def percent(share: float) -> str:
    """Signed, to a tenth."""
    return f"{100 * share:+.1f} %"


def heading(name: str, unit: str) -> tuple[str, str]:
    """A figure's name and its unit, which is left out where the name has it."""
    return name, "" if unit in name else unit


def interval(figure: Figure) -> str:
    """The value, with half the width of its interval where it has one."""
    value = f"{figure.value:.4f}" if not figure.unit and figure.value <= 1 else shown(figure.value)
    if figure.low is None or figure.high is None:
        return value
    half = (figure.high - figure.low) / 2
    return f"{value} ±{half:.3f}" if not figure.unit else f"{value} ±{shown(float(f'{half:.2g}'))}"
