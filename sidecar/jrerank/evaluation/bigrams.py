"""Japanese without a dictionary: overlapping pairs of characters, for full-text search that splits at spaces."""

from __future__ import annotations

import re
import unicodedata

_RUN = re.compile(r"[^\W_]+")


def bigrams(text: str) -> list[str]:
    """The pairs of neighbouring letters and digits, in NFKC and lower case; a letter that stands alone is a token."""
    tokens: list[str] = []
    for run in _RUN.findall(unicodedata.normalize("NFKC", text).lower()):
        tokens += [run[i : i + 2] for i in range(len(run) - 1)] or [run]
    return tokens
