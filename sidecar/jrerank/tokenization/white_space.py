"""Which white space a tokenizer does not read, found by trying."""

from __future__ import annotations

import functools
import itertools
import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_LONG_RUN = 5
_TRIED_RUNS = (*range(1, 20), 33, 64, 100, 257)
_CHARACTERS = "".join(filter(str.isspace, map(chr, range(0x3001))))

Ids = Callable[[str], Sequence[int]]


@dataclass(frozen=True, slots=True)
class WhiteSpace:
    """White space that can be left out of a text without changing its tokens.

    `leading` and `trailing` are dropped at the ends of a text; a run of `collapsing` is read like one space.
    """

    leading: str
    trailing: str
    collapsing: str

    @classmethod
    def of(cls, ids: Ids) -> WhiteSpace:
        """Try every character that is white space on a tokenizer."""
        word, words = ids("a"), ids("a b")
        return cls(
            leading=_ignored(lambda run: ids(run + "a") == word),
            trailing=_ignored(lambda run: ids("a" + run) == word),
            collapsing=_ignored(lambda run: ids(f"a{run}b") == words),
        )

    def squeeze(self, text: str) -> str:
        """The text with long runs of white space as one space."""
        if not self.collapsing:
            return text
        return _long_run(self.collapsing).sub(" ", text)


@functools.cache
def _long_run(characters: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(characters)}]{{{_LONG_RUN},}}")


def _ignored(holds: Callable[[str], bool]) -> str:
    """The characters of which any run, mixed or not, makes no difference."""
    each = "".join(
        character for character in _CHARACTERS if all(holds(character * length) for length in _TRIED_RUNS)
    )
    return each if each and all(map(holds, _mixed(each))) else ""


def _mixed(characters: str) -> Iterable[str]:
    generator = random.Random(1)  # noqa: S311
    return itertools.chain(
        ("".join(pair) * 3 for pair in itertools.permutations(characters, 2)),
        ("".join(generator.choices(characters, k=length)) for length in _TRIED_RUNS),
    )
