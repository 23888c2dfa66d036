"""The part of a passage that somebody who judges it reads first: where most of the query's words are.

Japanese has no spaces, so that neighbouring characters stand for words; what is in Latin letters or digits has to be the
same as a whole. Pairs of hiragana alone are mostly endings and particles, which are everywhere: they count only where a query
has nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from jrerank.evaluation.bigrams import bigrams

_PAIR = 2
_HIRAGANA = re.compile(r"[ぁ-ゖ]+")
_LATIN = re.compile(r"[0-9A-Za-zÀ-ɏ０-９Ａ-Ｚａ-ｚ]+")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """`marked` are the places in `text` of characters that the query has too, as [start, end)."""

    text: str
    marked: tuple[tuple[int, int], ...]


def excerpt(text: str, query: str, chars: int) -> Excerpt:
    """So many characters (2 or more) at most, from where most different words of the query's are."""
    found = _found(text, words_of(query))
    start = _best_start([word for word, _ in found], len(text) - chars + 1, chars - 1)
    end = min(start + chars, len(text))
    marked = [
        (at - start, min(at + length, end) - start)
        for at, (_, length) in enumerate(found)
        if length and start <= at < end - 1
    ]
    return _with_ellipses(text, start, end, _joined(marked))


def words_of(query: str) -> set[str]:
    """What it is about: its words in Latin letters and digits, whole, and the pairs of other characters."""
    words = {_latin_word(match) for match in _LATIN.finditer(query)}
    pairs = {pair for pair in bigrams(_LATIN.sub(" ", query)) if len(pair) == _PAIR}
    return (words | {pair for pair in pairs if not _HIRAGANA.fullmatch(pair)}) or pairs


def _found(text: str, words: set[str]) -> list[tuple[str | None, int]]:
    """For each place in the text the word of the query's that begins there, and its length."""
    found: list[tuple[str | None, int]] = [(None, 0)] * len(text)
    for at in range(len(text) - 1):
        tokens = bigrams(text[at : at + _PAIR])
        if len(tokens) == 1 and tokens[0] in words and not _LATIN.search(text[at : at + _PAIR]):
            found[at] = tokens[0], _PAIR
    for match in _LATIN.finditer(text):
        if (word := _latin_word(match)) in words:
            found[match.start()] = word, len(match[0])
    return found


def _latin_word(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match[0]).lower()


def _best_start(found: list[str | None], starts: int, pairs: int) -> int:
    """The beginning of the text where that is as good as any; else so that what was found is in the middle."""
    counts = list(_counts(found, starts, pairs))
    most = max(counts)
    first = counts.index(most)
    last = next((at for at in range(first, len(counts)) if counts[at] < most), len(counts)) - 1
    return first if first == 0 else (first + last) // 2


def _counts(found: list[str | None], starts: int, pairs: int) -> Iterator[int]:
    """How many different pairs of the query's there are from each start on."""
    held = Counter(pair for pair in found[:pairs] if pair)
    yield len(held)
    for start in range(1, starts):
        gone, come = found[start - 1], found[start + pairs - 1]
        if come:
            held[come] += 1
        if gone:
            held[gone] -= 1
            if not held[gone]:
                del held[gone]
        yield len(held)


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
