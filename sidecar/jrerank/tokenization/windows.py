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
from jrerank.tokenization.sentences import STRIDE, least_step, parts, sentence_ends
from jrerank.tokenization.slices import SLICE_CHARS
from jrerank.tokenization.text_tokenizer import TextTokenizer

MAX_WINDOWS = 64
# Of a window: a first line that is longer is no title
_HEAD_SHARE = 0.25
_NO_HEAD = array("i")
_ADVICE = "shorten it, or let it be truncated"


@dataclass(frozen=True, slots=True)
class Reading:
    """How much of a passage is read, in at most 64 windows. None: as much as fits into one run of the model, with the query."""

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
    """Makes windows for one checkpoint, whose fingerprint it has. Any thread may call it; to tokenize, it releases the GIL."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        max_tokens: int,
        id_cache_bytes: int = 0,
        window_tokens: int | None = None,
    ) -> None:
        """Set up for windows of at most `max_tokens`, special tokens included; ids of passages that come back are kept.

        Args:
            window_tokens: how many of them are the passage's; None: as many as fit beside the query.
        """
        self.max_tokens = min(max_tokens, checkpoint.architecture.max_tokens)
        self.window_tokens = window_tokens
        self.fingerprint = checkpoint.fingerprint
        self._layout = checkpoint.layout
        self._suffix = array("i", self._layout.suffix)
        self._tokenizer = TextTokenizer(checkpoint.tokenizer)
        self._sentence_ends = sentence_ends(checkpoint.tokenizer.get_vocab())
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
            self._windows(query, _cut(ids, most, reading), len(ids) > most, text, reading)
            for ids, text in zip(self._ids(texts), texts, strict=True)
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
        return LongReader(long_text, partial(self._windows, query, text=text, reading=reading))

    def most_tokens(self, reading: Reading, query_chars: int) -> int:
        """How many tokens, at most, are in all windows of a passage together, those of the query and of the head included.

        Args:
            query_chars: the query's length; it is taken to have one token more at most, which few texts in Japanese don't.
        """
        query = min(self.max_tokens // 2, query_chars + 1) + self._layout.overhead_tokens
        room = self._room_beside(query)
        passage = self._limit(room, query, reading)
        if passage <= room:
            return query + passage
        least_room = room - _most_head(room)
        windows = min(MAX_WINDOWS, 1 + math.ceil(passage / least_step(least_room)))
        return min(
            windows * (query + room), math.ceil(passage / STRIDE) + windows * (query + _most_head(room))
        )

    def _room(self, query: QueryIds) -> int:
        return self._room_beside(len(query.ids) + len(self._suffix))

    def _room_beside(self, query_tokens: int) -> int:
        """For a passage in a window, beside a query with so many tokens, special ones included."""
        room = max(0, self.max_tokens - query_tokens)
        return room if self.window_tokens is None else min(room, self.window_tokens)

    def _passage_tokens(self, query: QueryIds, reading: Reading) -> int:
        return self._limit(self._room(query), len(query.ids) + len(self._suffix), reading)

    def _limit(self, room: int, query_tokens: int, reading: Reading) -> int:
        """How many tokens of a passage are read, if they don't take too many windows."""
        if reading.max_tokens_per_doc is None:
            return max(0, self.max_tokens - query_tokens)
        return min(reading.max_tokens_per_doc, MAX_WINDOWS * room)

    def _windows(
        self, query: QueryIds, ids: array[int], truncated: bool, text: str, reading: Reading
    ) -> Windows | InputTooLong:
        room, start = self._room(query), len(query.ids)
        head = self._head(text, room) if len(ids) > room else _NO_HEAD
        places = list(parts(ids, room - len(head), self._sentence_ends))
        is_left = reading.truncation == "left"
        if reading.truncation == "refuse" and (truncated or len(places) > MAX_WINDOWS):
            return self._too_long(query, reading, len(places))
        # The beginning of a passage has its first line; what is left of its end has not
        heads = [head if begin or (truncated and is_left) else _NO_HEAD for begin, _ in places]
        windows = [
            Window(query.ids + own_head + ids[begin:end] + self._suffix, start)
            for own_head, (begin, end) in zip(heads, places, strict=True)
        ]
        kept = windows[-MAX_WINDOWS:] if is_left else windows[:MAX_WINDOWS]
        return Windows(tuple(kept), truncated or len(windows) > MAX_WINDOWS)

    def _head(self, text: str, room: int) -> array[int]:
        """The first line, which stands in front of every window: the fields of a stored passage are joined by line breaks, and the
        first is mostly its title. None if it takes too much of a window's room to be one.
        """
        end = text.find("\n", 0, room)
        (ids,) = self._tokenizer.ids([text[: max(0, end)]])
        return ids if len(ids) <= _most_head(room) else _NO_HEAD

    def _too_long(self, query: QueryIds, reading: Reading, windows: int) -> InputTooLong:
        if windows > MAX_WINDOWS:
            what = f"the text takes more than {MAX_WINDOWS} windows"
        elif reading.max_tokens_per_doc is None:
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


def _most_head(room: int) -> int:
    return int(room * _HEAD_SHARE)


def _cut(ids: array[int], most: int, reading: Reading) -> array[int]:
    return ids[max(0, len(ids) - most) :] if reading.truncation == "left" else ids[:most]
