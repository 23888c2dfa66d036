"""A caller's timeout as the time by which scoring has to stop."""

from __future__ import annotations

# Kept back for writing the answer: a share of the timeout within bounds, and some for each document, since several large
# answers may be due at the same moment (8 of 1,000 documents took some 30 ms on two busy cores)
_RESERVE_SHARE = 0.05
_MIN_RESERVE_S, _MAX_RESERVE_S = 0.002, 0.02
_RESERVE_S_PER_DOCUMENT = 0.00002


def scoring_deadline(arrival: float, timeout_ms: float, documents: int) -> float:
    """When scoring has to stop, so that the answer is out `timeout_ms` after `arrival` (on `time.monotonic()`'s clock)."""
    timeout_s = timeout_ms / 1000
    reserve_s = (
        min(_MAX_RESERVE_S, max(_MIN_RESERVE_S, timeout_s * _RESERVE_SHARE))
        + documents * _RESERVE_S_PER_DOCUMENT
    )
    return arrival + max(timeout_s / 2, timeout_s - reserve_s)
