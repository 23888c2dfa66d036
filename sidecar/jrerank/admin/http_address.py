"""Addresses such as http://10.0.0.7:8080, as options take them."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def http_parts(url: str) -> SplitResult | None:
    """The parts of an address over HTTP; None where it is none, so that its `hostname` and `port` can be read."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except (
        ValueError
    ):  # an open bracket; a port that is no number, or too large, which shows as soon as it is read
        return None
    return parts if is_whole else None
