"""A caller's timeout as the time by which scoring has to stop."""

from __future__ import annotations

# Kept back for writing the answer: a share of the timeout, within these bounds
_RESERVE_SHARE = 0.05
_MIN_RESERVE_S, _MAX_RESERVE_S = 0.002, 0.02


def scoring_deadline(arrival: float, timeout_ms: float) -> float:
    """When scoring has to stop, so that the answer is out `timeout_ms` after `arrival` (on `time.monotonic()`'s clock)."""
    timeout_s = timeout_ms / 1000
    reserve_s = min(_MAX_RESERVE_S, max(_MIN_RESERVE_S, timeout_s * _RESERVE_SHARE))
    return arrival + max(timeout_s / 2, timeout_s - reserve_s)
