"""The part of a passage that somebody who judges it reads first: where most of the query's words are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from jrerank.evaluation.bigrams import bigrams

_PAIR = 2


@dataclass(frozen=True, slots=True)
class Excerpt:
    """`marked` are the places in `text` of characters that the query has too, as [start, end)."""

    text: str
    marked: tuple[tuple[int, int], ...]


def excerpt(text: str, query: str, chars: int) -> Excerpt:
    """So many characters (2 or more) at most, from where most different pairs of the query's are; of equal places the first."""
    words = {pair for pair in bigrams(query) if len(pair) == _PAIR}
    found = [_known(text[at : at + _PAIR], words) for at in range(len(text) - 1)]
    start = _best_start(found, len(text) - chars + 1, chars - 1)
    end = min(start + chars, len(text))
    marked = [(at - start, at - start + _PAIR) for at in range(start, end - 1) if found[at]]
    return _with_ellipses(text, start, end, _joined(marked))


def _known(pair: str, words: set[str]) -> str | None:
    tokens = bigrams(pair)
    return tokens[0] if len(tokens) == 1 and tokens[0] in words else None


def _best_start(found: list[str | None], starts: int, pairs: int) -> int:
    held = Counter(pair for pair in found[:pairs] if pair)
    best, most = 0, len(held)
    for start in range(1, starts):
        gone, come = found[start - 1], found[start + pairs - 1]
        if come:
            held[come] += 1
        if gone:
            held[gone] -= 1
            if not held[gone]:
                del held[gone]
        if len(held) > most:
            best, most = start, len(held)
    return best


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs overlap: one span for each run of them."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _with_ellipses(text: str, start: int, end: int, marked: list[tuple[int, int]]) -> Excerpt:
    before, after = "…" * (start > 0), "…" * (end < len(text))
    shift = len(before)
    return Excerpt(
        f"{before}{text[start:end]}{after}",
        tuple((first + shift, last + shift) for first, last in marked),
    )
