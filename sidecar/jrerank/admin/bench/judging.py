"""Somebody who judges passages at a terminal."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jrerank.admin.texts import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_PROMPT = "relevant (? for help): "
_WHOLE_TEXT = re.compile(r"\?\s*(\d+)")
_INDENT = 5
_FEWEST_CHARS, _MOST_CHARS = 60, 120
_OTHER_LINES = 5  # rule, query twice, prompt, and what was typed before


@dataclass
class TerminalJudge:
    """Shows a query with its passages, each by its part that is most like the query, and reads lines."""

    clock: Callable[[], float] = time.monotonic
    begun_s: float | None = None
    texts: Sequence[str] = field(default=())

    def ask(self, query: str, texts: Sequence[str], number: int, total: int) -> str:
        """See `Judge.ask`. The query stands below its passages too, where those fill a screen."""
        from rich.console import Console

        console, self.texts = Console(), texts
        first = self.begun_s is None
        console.rule(f"{number} of {total}{self._left(number, total)}")
        console.print(plain(query), style="bold")
        lines = _shown(query, texts, console)
        for line in lines:
            console.print(line, highlight=False, no_wrap=True, overflow="ignore", crop=False)
        if len(lines) + _OTHER_LINES > console.height:
            console.print(plain(query), style="bold")
        if first:
            _help(console)
        return self._read(console)

    def ask_again(self, reason: str) -> str:
        """See `Judge.ask_again`."""
        from rich.console import Console

        console = Console()
        console.print(plain(reason), style="red", highlight=False)
        return self._read(console)

    def _read(self, console: Console) -> str:
        """An answer; help and whole texts are shown meanwhile. The end of the input and Ctrl-C stop."""
        while True:
            try:
                typed = unicodedata.normalize("NFKC", input(_PROMPT)).strip()
            except (EOFError, KeyboardInterrupt):
                print()
                return "q"
            asked = _WHOLE_TEXT.fullmatch(typed)
            if typed == "?":
                _help(console)
            elif asked and 1 <= int(asked[1]) <= len(self.texts):
                console.print(plain(self.texts[int(asked[1]) - 1]), highlight=False)
            else:
                return typed

    def _left(self, number: int, total: int) -> str:
        """As fast as it has gone up to here."""
        now = self.clock()
        if self.begun_s is None:
            self.begun_s = now
        if number < 2:
            return ""
        minutes = (now - self.begun_s) / (number - 1) * (total - number + 1) / 60
        return f", about {minutes:.0f} minutes left" if minutes >= 1 else ", less than a minute left"


def _help(console: Console) -> None:
    from jrerank.bench.labels.session import HELP

    console.print(plain(f"{HELP}, ?3 for the whole text of 3"), style="dim", highlight=False)


def _shown(query: str, texts: Sequence[str], console: Console) -> list[Text]:
    """The lines of all passages, each under its number."""
    from rich.text import Text

    width = max(20, console.width - _INDENT)
    chars = _chars_for(len(texts), width, console.height)
    lines = []
    for place, text in enumerate(texts, start=1):
        for number, line in enumerate(_folded(_marked(text, query, chars), width)):
            head = f"{place:>3}" if number == 0 else ""
            lines.append(Text.assemble(head.ljust(_INDENT), line))
    return lines


def _chars_for(passages: int, width: int, height: int) -> int:
    """So that all passages are on one screen, if there is a way; of two columns each."""
    lines = max(1, (height - _OTHER_LINES) // max(1, passages))
    return max(_FEWEST_CHARS, min(_MOST_CHARS, lines * width // 2 - 2))


def _folded(text: Text, width: int) -> list[Text]:
    """Cut wherever a line is full: Japanese has no spaces, at which a terminal's library would break it."""
    from rich.cells import chop_cells

    offsets, at = [], 0
    for part in chop_cells(text.plain, width):
        at += len(part)
        offsets.append(at)
    return list(text.divide(offsets[:-1])) if text.plain else [text]


def _marked(text: str, query: str, chars: int) -> Text:
    """What it shares with the query is underlined."""
    from jrerank.bench.labels.excerpt import excerpt

    found = excerpt(" ".join(text.split()), query, chars)
    shown = plain(found.text)
    for start, end in found.marked:
        shown.stylize("bold underline", start, end)
    return shown
