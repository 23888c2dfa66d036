"""Texts before they are tokenized: what has no UTF-8, and a normalizer's work in a tenth of its time."""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Normalize = Callable[[str], str]

# Scripts whose characters were assigned, and so normalized for ever, long before any version of Unicode that is in use here.
# Latin, Greek, Cyrillic; punctuation and symbols; kana and ideographs; compatibility forms of them; half and full width.
_BLOCKS = (
    (0x20, 0x250),
    (0x370, 0x530),
    (0x2010, 0x2800),
    (0x3000, 0x3400),
    (0x4E00, 0x9F00),
    (0xFF01, 0xFFEF),
)
_LINES = "\t\n"
_SPACES = re.compile(" {2,}")


def clean(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which has no UTF-8 and so no tokens."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def quick_normalizer(normalizer: Mapping[str, Any] | None) -> Normalize | None:
    """Does what the `normalizer` of a tokenizer.json does to a text for which `is_well_known` is true; None if that isn't known."""
    if normalizer is None:
        return lambda text: text
    if normalizer["type"] == "Sequence":
        steps = [quick_normalizer(part) for part in normalizer["normalizers"]]
        known = [step for step in steps if step is not None]
        return functools.partial(_one_by_one, known) if len(known) == len(steps) else None
    return _STEPS.get(_without_order(normalizer))


def is_well_known(text: str) -> bool:
    """Whether every version of Unicode normalizes all characters of the text alike."""
    return _well_known().fullmatch(text) is not None


def _one_by_one(steps: Iterable[Normalize], text: str) -> str:
    for step in steps:
        text = step(text)
    return text


def _without_order(normalizer: Mapping[str, Any]) -> str:
    return repr(sorted(normalizer.items(), key=str))


_STEPS: Mapping[str, Normalize] = {
    _without_order({"type": "NFKC"}): functools.partial(unicodedata.normalize, "NFKC"),
    _without_order({"type": "NFC"}): functools.partial(unicodedata.normalize, "NFC"),
    _without_order({"type": "Strip", "strip_left": True, "strip_right": True}): str.strip,
    _without_order({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}): lambda text: (
        _SPACES.sub(" ", text) if "  " in text else text
    ),
}


@functools.cache
def _well_known() -> re.Pattern[str]:
    places = sorted(
        place for start, end in _BLOCKS for place in range(start, end) if _is_assigned(chr(place))
    )
    ranges = "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in _runs(places))
    return re.compile(f"[{ranges}{_LINES}]*")


def _is_assigned(character: str) -> bool:
    # C: control characters, which some call white space and some do not, and what has no meaning yet
    return not unicodedata.category(character).startswith("C")


def _runs(places: Iterable[int]) -> Iterable[tuple[int, int]]:
    for _, run in itertools.groupby(enumerate(places), key=lambda numbered: numbered[1] - numbered[0]):
        members = [place for _, place in run]
        yield members[0], members[-1]
