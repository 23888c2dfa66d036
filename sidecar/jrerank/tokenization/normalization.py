"""Texts before they are tokenized: what has no UTF-8, and a normalizer's work in a tenth of its time."""

from __future__ import annotations

import base64
import functools
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tokenizers import normalizers

Normalize = Callable[[str], str]

# Scripts whose characters were assigned, and so normalized for ever, long before any version of Unicode that is in use here.
# Latin, Greek, Cyrillic; punctuation and symbols; kana and ideographs; compatibility forms of them; half and full width.
_BLOCKS = (
    (0x20, 0x250),
    (0x370, 0x530),
    (0x2010, 0x2800),
    (0x3000, 0x32FF),  # U+32FF, the era Reiwa, is of 2019: `tokenizers` doesn't know it
    (0x3300, 0x3400),
    (0x4E00, 0x9F00),
    (0xFF01, 0xFFEF),
)
_LINES = "\t\n"
_SPACES = re.compile(" {2,}")
# Of all in these blocks, only marks and these two stick to the character before them
_HALF_WIDTH_VOICE_MARKS = "\uff9e\uff9f"


def clean(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which has no UTF-8 and so no tokens."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class QuickNormalizer:
    """Does what the normalizer of a tokenizer.json does, to texts of characters that every version of Unicode treats alike."""

    def __init__(self, known: re.Pattern[str], steps: Iterable[Normalize]) -> None:
        self._known = known
        self._steps = tuple(steps)

    def __call__(self, text: str) -> str | None:
        """The normalized text, or None if it isn't sure."""
        if self._known.fullmatch(text) is None:
            return None
        for step in self._steps:
            text = step(text)
        return text


def quick_normalizer(normalizer: Mapping[str, Any] | None) -> QuickNormalizer | None:
    """For the `normalizer` of a tokenizer.json; None if there is a step of which nothing is known here."""
    parts = _parts(normalizer)
    if parts and parts[0]["type"] == "Precompiled":
        # A character with its marks may be mapped as one, so there must be none
        first, known = [_by_character(parts[0])], _well_known(marks=False)
        parts = parts[1:]
    else:
        first, known = [], _well_known(marks=True)
    steps = [_step(part) for part in parts]
    if None in steps:
        return None
    return QuickNormalizer(known, [*first, *(step for step in steps if step is not None)])


def _parts(normalizer: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    if normalizer is None:
        return []
    if normalizer["type"] == "Sequence":
        return [part for inner in normalizer["normalizers"] for part in _parts(inner)]
    return [normalizer]


def _step(normalizer: Mapping[str, Any]) -> Normalize | None:
    if normalizer["type"] == "Replace" and "String" in normalizer["pattern"]:
        old, new = normalizer["pattern"]["String"], normalizer["content"]
        return (lambda text: text.replace(old, new)) if old else None
    return _STEPS.get(_without_order(normalizer))


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


def _by_character(precompiled: Mapping[str, Any]) -> Normalize:
    """SentencePiece's table, which maps each character by itself if nothing sticks to it; found by trying all of them."""
    charsmap = base64.b64decode(precompiled["precompiled_charsmap"])
    changes = _changes(
        normalizers.Precompiled(charsmap).normalize_str, [chr(place) for place in _places(marks=False)]
    )
    if not changes:
        return lambda text: text
    changing = re.compile(f"[{_ranges(sorted(map(ord, changes)))}]")
    return lambda text: changing.sub(lambda match: changes[match[0]], text)


def _changes(normalize: Normalize, characters: Sequence[str]) -> dict[str, str]:
    """Of characters that don't stick together, those that `normalize` changes."""
    text = "".join(characters)
    normalized = normalize(text)
    if normalized == text:
        return {}
    if len(characters) == 1:
        return {text: normalized}
    middle = len(characters) // 2
    return _changes(normalize, characters[:middle]) | _changes(normalize, characters[middle:])


@functools.cache
def _well_known(*, marks: bool) -> re.Pattern[str]:
    return re.compile(f"[{_ranges(_places(marks=marks))}]*")


def _places(*, marks: bool) -> list[int]:
    """Code points, in order."""
    assigned = (place for start, end in _BLOCKS for place in range(start, end) if _is_assigned(chr(place)))
    places = [place for place in assigned if marks or not _sticks(chr(place))]
    return sorted([*map(ord, _LINES), *places])


def _is_assigned(character: str) -> bool:
    # C: control characters, which some call white space and some do not, and what has no meaning yet
    return not unicodedata.category(character).startswith("C")


def _sticks(character: str) -> bool:
    return unicodedata.category(character).startswith("M") or character in _HALF_WIDTH_VOICE_MARKS


def _ranges(places: Iterable[int]) -> str:
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in _runs(places))


def _runs(places: Iterable[int]) -> Iterable[tuple[int, int]]:
    for _, run in itertools.groupby(enumerate(places), key=lambda numbered: numbered[1] - numbered[0]):
        members = [place for _, place in run]
        yield members[0], members[-1]
