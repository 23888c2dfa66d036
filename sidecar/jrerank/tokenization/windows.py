"""A query and its passages -> windows."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from jrerank.domain import Truncation, Window
from jrerank.errors import InputTooLong
from jrerank.models.checkpoint import Checkpoint
from jrerank.tokenization.id_cache import IdCache
from jrerank.tokenization.long_text import LongText
from jrerank.tokenization.slices import SLICE_CHARS
from jrerank.tokenization.text_tokenizer import TextTokenizer

# Windows overlap by a quarter, so that a sentence on an edge is whole in one of them
_STRIDE = 0.75
MAX_WINDOWS = 64
_ADVICE = "shorten it, or let it be truncated"


@dataclass(frozen=True, slots=True)
class Reading:
    """How much of a passage is read. None: as much as fits into one window."""

    max_tokens_per_doc: int | None = None
    truncation: Truncation = "right"


@dataclass(frozen=True, slots=True)
class Windows:
    """A passage as the model reads it. `truncated`: something of it is not read."""

    windows: tuple[Window, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class QueryIds:
    """The beginning of every window of a request: the query with the special tokens around it."""

    ids: array[int]
    truncated: bool


class Tokenization:
    """Makes windows for one checkpoint, whose fingerprint it has. Its methods may be called from any thread and release the GIL."""

    def __init__(self, checkpoint: Checkpoint, max_tokens: int, id_cache_bytes: int = 0) -> None:
        """Set up for windows of at most `max_tokens`, special tokens included; ids of passages that come back are kept."""
        self.max_tokens = min(max_tokens, checkpoint.architecture.max_tokens)
        self.fingerprint = checkpoint.fingerprint
        self._layout = checkpoint.layout
        self._suffix = array("i", self._layout.suffix)
        self._tokenizer = TextTokenizer(checkpoint.tokenizer)
        self.id_cache = IdCache(id_cache_bytes)

    @property
    def slow_because(self) -> str | None:
        """Why texts are tokenized by the checkpoint's own tokenizer; None if a kernel does it, with the same ids."""
        return self._tokenizer.slow_because

    def tokenizer_json(self) -> str:
        """For a `TextTokenizer` in another process, which makes the same ids."""
        return self._tokenizer.to_json()

    def query(self, text: str, reading: Reading) -> QueryIds:
        """The query's ids: at most half of a window, so that something of every passage is read.

        Raises:
            InputTooLong: `reading.truncation` is `refuse` and the query leaves no room to any passage.
        """
        refuse = reading.truncation == "refuse"
        whole_window = refuse and reading.max_tokens_per_doc is None
        most = self.max_tokens - self._layout.overhead_tokens if whole_window else self.max_tokens // 2
        query = LongText(self._tokenizer, text, most)
        while not query.step():
            pass
        if refuse and query.truncated:
            raise InputTooLong(f"the query has more than {most} tokens; {_ADVICE}", field="query")
        ids = array("i", (*self._layout.prefix, *query.ids, *self._layout.middle))
        return QueryIds(ids, query.truncated)

    def is_long(self, text: str) -> bool:
        """Whether a text is more than one slice, so that it is read by a `LongReader`."""
        return len(text) > SLICE_CHARS

    def passages(
        self, query: QueryIds, texts: Sequence[str], reading: Reading
    ) -> list[Windows | InputTooLong]:
        """The windows of each text, in one call of the tokenizer: for texts that are not long, about a slice of them together."""
        most = self._passage_tokens(query, reading)
        return [
            self._windows(query, _cut(ids, most, reading), len(ids) > most, reading)
            for ids in self._ids(texts)
        ]

    def _ids(self, texts: Sequence[str]) -> Sequence[array[int]]:
        if self.id_cache.is_off:
            return self._tokenizer.ids(texts)
        known = self.id_cache.get(texts)
        unknown = [text for text, ids in zip(texts, known, strict=True) if ids is None]
        made = self._tokenizer.ids(unknown) if unknown else []
        self.id_cache.put(unknown, made)
        rest = iter(made)
        return [next(rest) if ids is None else ids for ids in known]

    def reader(self, query: QueryIds, text: str, reading: Reading) -> LongReader:
        """Reads a text of any length step by step."""
        most = self._passage_tokens(query, reading)
        long_text = LongText(self._tokenizer, text, most, backwards=reading.truncation == "left")
        return LongReader(long_text, partial(self._windows, query, reading=reading))

    def most_tokens(self, reading: Reading) -> int:
        """No more tokens than this are in all windows of a passage together, those of the query included."""
        if reading.max_tokens_per_doc is None:
            return self.max_tokens
        room = max(1, self.max_tokens - self.max_tokens // 2 - self._layout.overhead_tokens)
        windows = 1 + max(0, math.ceil((reading.max_tokens_per_doc - room) / _stride(room)))
        return min(windows, MAX_WINDOWS) * self.max_tokens

    def _room(self, query: QueryIds) -> int:
        return self.max_tokens - len(query.ids) - len(self._suffix)

    def _passage_tokens(self, query: QueryIds, reading: Reading) -> int:
        room = self._room(query)
        in_all_windows = room + (MAX_WINDOWS - 1) * _stride(room)
        return room if reading.max_tokens_per_doc is None else min(reading.max_tokens_per_doc, in_all_windows)

    def _windows(
        self, query: QueryIds, ids: array[int], truncated: bool, reading: Reading
    ) -> Windows | InputTooLong:
        if truncated and reading.truncation == "refuse":
            return self._too_long(query, reading)
        room, start = self._room(query), len(query.ids)
        return Windows(
            tuple(
                Window(query.ids + ids[first : first + room] + self._suffix, start)
                for first in window_starts(len(ids), room)
            ),
            truncated,
        )

    def _too_long(self, query: QueryIds, reading: Reading) -> InputTooLong:
        if reading.max_tokens_per_doc is None:
            what = f"the text and the query have more than {self.max_tokens} tokens together"
        else:
            what = f"the text has more than {self._passage_tokens(query, reading)} tokens"
        return InputTooLong(f"{what}; {_ADVICE}")


class LongReader:
    """Reads a long text: call `step` until it returns True, then `windows`."""

    def __init__(self, text: LongText, windows: Callable[[array[int], bool], Windows | InputTooLong]) -> None:
        self._text = text
        self._windows = windows

    def step(self) -> bool:
        """Read at most a slice, which takes about a millisecond. True when enough has been read."""
        return self._text.step()

    def windows(self) -> Windows | InputTooLong:
        """What has been read."""
        return self._windows(self._text.ids, self._text.truncated)


def window_starts(length: int, room: int) -> tuple[int, ...]:
    """Where the windows of a passage begin: each holds `room` tokens, the last one ends with the passage.

    What lies beyond `MAX_WINDOWS` is not read.
    """
    if length <= room:
        return (0,)
    return (*range(0, length - room, _stride(room)), length - room)[:MAX_WINDOWS]


def _stride(room: int) -> int:
    return max(1, int(room * _STRIDE))


def _cut(ids: array[int], most: int, reading: Reading) -> array[int]:
    return ids[max(0, len(ids) - most) :] if reading.truncation == "left" else ids[:most]
