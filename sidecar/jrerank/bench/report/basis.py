"""What speeds are compared by: the yardstick that was timed beside them, or seconds alone."""

from __future__ import annotations

from jrerank.bench.report.schema import Report

_RUN_BY = ("onnxruntime", "numpy")  # the yardstick and our engines alike: a slower version slows both
_JUDGED_BY_SECONDS = "speed is judged by seconds alone, which a busier machine changes too"


def without_yardstick(old: Report, new: Report) -> str | None:
    """Why multiples of the yardstick can't be compared; None where they can, or where speed isn't what was measured."""
    if new.kind != "speed":
        return None
    if not old.yardstick or old.yardstick != new.yardstick:
        names = f"yardstick {old.yardstick or 'unknown'}, now {new.yardstick or 'unknown'}"
        return f"{names}: {_JUDGED_BY_SECONDS}"
    was, now = old.machine.packages, new.machine.packages
    if changed := [name for name in _RUN_BY if was.get(name) != now.get(name)]:
        return f"{' and '.join(changed)}, which the yardstick runs on too: {_JUDGED_BY_SECONDS}"
    return None
