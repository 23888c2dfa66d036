"""(query, passage) -> token ids; windows of long passages; specials neutralised."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from tokenizers import Tokenizer

from jrerank.domain import Pair, Truncation, Window
from jrerank.errors import InputTooLong, InvalidInput
from jrerank.models.checkpoint import Checkpoint

TokenIds = tuple[int, ...]
_KEY_BYTES = 16
# Windows overlap by a quarter, so that a sentence on an edge is whole in one of them
_STRIDE = 0.75
MAX_WINDOWS = 64
# Normalization may join characters (a kana and its voiced mark) before they are matched with the longest piece
_CHARS_JOINED = 2
_SPLIT_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """How much of a passage is read. None: as much as fits into one run."""

    max_tokens_per_doc: int | None = None
    truncation: Truncation = "right"


class Encoder:
    """Makes pairs for one checkpoint. Its methods may be called from any thread."""

    def __init__(self, checkpoint: Checkpoint, max_tokens: int) -> None:
        """Set up for pairs of at most `max_tokens`, special tokens included.

        Raises:
            UnsupportedModel: the tokenizer's pair layout isn't one that a cross-encoder reads.
        """
        self.max_tokens = min(max_tokens, checkpoint.architecture.max_tokens)
        self._layout = checkpoint.layout
        self._texts = TextEncoder(checkpoint.tokenizer)
        self._fingerprint = checkpoint.fingerprint.encode()

    def encode(self, query: str, passages: Sequence[str], reading: Reading = Reading()) -> list[Pair]:
        """One pair for each passage. Nothing is tokenized yet, unless `reading` refuses what is too long.

        Raises:
            InputTooLong: `reading.truncation` is `refuse` and a pair does not fit.
        """
        query_ids = _once(partial(self._query_ids, query))
        prefix = hashlib.blake2b(digest_size=_KEY_BYTES)
        for part in (self._fingerprint, repr(reading).encode(), _bytes(query, "query")):
            prefix.update(len(part).to_bytes(8) + part)
        pairs = [self._pair(prefix, query, query_ids, passage, reading) for passage in passages]
        if reading.truncation == "refuse":
            self._refuse_long(query, passages)
        return pairs

    def _pair(
        self,
        prefix: hashlib.blake2b,
        query: str,
        query_ids: Callable[[], TokenIds],
        passage: str,
        reading: Reading,
    ) -> Pair:
        digest = prefix.copy()
        digest.update(_bytes(passage, "passage"))
        read = self._readable(passage, reading)
        return Pair(
            key=digest.digest(),
            chars=min(len(query), self._texts.max_chars(self.max_tokens // 2)) + len(read),
            max_tokens=self.max_tokens + (reading.max_tokens_per_doc or 0),
            windows=lambda: self._windows(query_ids(), read, reading),
        )

    def _readable(self, passage: str, reading: Reading) -> str:
        """The part of a passage that its tokens can come from: the rest need not be tokenized."""
        chars = self._texts.max_chars(max(self.max_tokens, reading.max_tokens_per_doc or 0))
        return passage[-chars:] if reading.truncation == "left" else passage[:chars]

    def _query_ids(self, query: str) -> TokenIds:
        """A query takes at most half of the room, so that something of the passage is always read."""
        most = self.max_tokens // 2
        return self._texts.ids(query[: self._texts.max_chars(most)])[:most]

    def _windows(self, query: TokenIds, passage: str, reading: Reading) -> list[Window]:
        room = self.max_tokens - self._layout.overhead_tokens - len(query)
        most = room if reading.max_tokens_per_doc is None else reading.max_tokens_per_doc
        ids = self._texts.ids(passage)
        ids = ids[-most:] if reading.truncation == "left" else ids[:most]
        return [
            self._layout.join(query, ids[start : start + room]) for start in window_starts(len(ids), room)
        ]

    def _refuse_long(self, query: str, passages: Sequence[str]) -> None:
        rest = self.max_tokens - self._layout.overhead_tokens - len(self._texts.ids(query))
        for index, passage in enumerate(passages):
            if len(passage) > self._texts.max_chars(self.max_tokens) or len(self._texts.ids(passage)) > rest:
                raise InputTooLong(
                    f"text {index} and the query have more than {self.max_tokens} tokens together;"
                    " shorten it, or let it be truncated (truncate: true)",
                    field=f"texts.{index}",
                )


class TextEncoder:
    """Token ids of plain text: what looks like a special token in it does not act as one."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        # A copy: truncation, padding and the parsing of specials are switched off for our use only
        self._tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        added = self._tokenizer.get_added_tokens_decoder()
        self._special_ids = frozenset(
            id for id, token in added.items() if token.special and token.content != "<unk>"
        )
        self._longest_piece_chars = max(map(len, self._tokenizer.get_vocab()), default=1)

    def max_chars(self, tokens: int) -> int:
        """No more characters than this can go into `tokens` tokens."""
        return (tokens + 1) * self._longest_piece_chars * _CHARS_JOINED

    def ids(self, text: str) -> TokenIds:
        """The ids of `text`, none of which is a special token's."""
        return tuple(self._ids([text], _SPLIT_DEPTH)[0])

    def _ids(self, texts: list[str], depth: int) -> list[list[int]]:
        # encode_batch would start threads of its own; one worker has one core
        encodings = [self._tokenizer.encode(text, add_special_tokens=False) for text in texts]
        return [
            encoding.ids
            if self._special_ids.isdisjoint(encoding.ids)
            else self._neutral(text, encoding.ids, encoding.offsets, depth)
            for text, encoding in zip(texts, encodings, strict=True)
        ]

    def _neutral(self, text: str, ids: list[int], offsets: list[tuple[int, int]], depth: int) -> list[int]:
        """Encode again, with a cut through everything that became a special token.

        A Unigram vocabulary may hold the piece `</s>` itself, and a normalizer may make it of full-width letters, so switching
        off the parsing of special tokens is not enough.
        """
        if depth == 0:
            return [id for id in ids if id not in self._special_ids]
        cuts = [begin + 1 for id, (begin, _) in zip(ids, offsets, strict=True) if id in self._special_ids]
        bounds = [0, *cuts, len(text)]
        parts = [text[start:end] for start, end in pairwise(bounds) if start < end]
        return [id for part in self._ids(parts, depth - 1) for id in part]


def window_starts(length: int, room: int) -> list[int]:
    """Where the windows of a passage begin: each holds `room` tokens, the last one ends with the passage.

    What lies beyond `MAX_WINDOWS` is not read.
    """
    if length <= room:
        return [0]
    stride = max(1, int(room * _STRIDE))
    starts = [*range(0, length - room, stride), length - room]
    return starts[:MAX_WINDOWS]


def _once(make: Callable[[], TokenIds]) -> Callable[[], TokenIds]:
    """Call `make` at the first use. Two threads may both be first: they get equal ids."""
    made: list[TokenIds] = []

    def get() -> TokenIds:
        if not made:
            made.append(make())
        return made[0]

    return get


def _bytes(text: str, field: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"{field} holds half a surrogate pair at character {error.start}", field=field
        ) from error
