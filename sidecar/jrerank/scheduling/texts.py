"""Pairs of texts on their way to becoming windows, each with the key of its score."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from jrerank.errors import InputTooLong
from jrerank.tokenization.normalization import clean
from jrerank.tokenization.windows import LongReader, QueryIds, Reading, Tokenization, Windows

# Windows, or a reader that has not come to the end of a long text yet, or why there are none
TextOutcome = Windows | LongReader | Exception
_KEY_BYTES = 16


class QueryText:
    """The query of a request and how its passages are read. It is tokenized once, by the thread that comes to it first."""

    def __init__(self, text: str, reading: Reading) -> None:
        self.text = text
        self.reading = reading
        self._ids: QueryIds | None = None

    def ids(self, tokenization: Tokenization) -> QueryIds:
        """Its token ids.

        Raises:
            InputTooLong: it leaves no room for a passage, and may not be truncated.
        """
        if self._ids is None:
            self._ids = tokenization.query(self.text, self.reading)
        return self._ids


@dataclass(frozen=True, slots=True)
class PairText:
    """A query with one passage, which all its windows together read by `max_tokens` at most, the query's included."""

    query: QueryText
    passage: str
    max_tokens: int

    @property
    def chars(self) -> int:
        """The length of both."""
        return len(self.query.text) + len(self.passage)


class Digests:
    """Of passages, each made once: several queries may have the same long one."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def of(self, passage: str) -> bytes:
        """A digest of the text as it is read."""
        if passage not in self._known:
            self._known[passage] = hashlib.blake2b(clean(passage).encode(), digest_size=_KEY_BYTES).digest()
        return self._known[passage]


def keyed_pairs(
    tokenization: Tokenization,
    fingerprint: str,
    query: str,
    passages: Sequence[str],
    reading: Reading,
    digests: Digests | None = None,
) -> list[tuple[bytes, PairText]]:
    """Each passage with the query, behind its key: a digest of all that the score depends on.

    Args:
        fingerprint: the checkpoint's.
        digests: those of the passages so far, where there are other queries.
    """
    prefix = hashlib.blake2b(digest_size=_KEY_BYTES)
    for part in (fingerprint.encode(), repr(reading).encode(), clean(query).encode()):
        prefix.update(len(part).to_bytes(8) + part)
    text, of = QueryText(query, reading), (digests or Digests()).of
    max_tokens = tokenization.most_tokens(reading)
    return [(_key(prefix, of(passage)), PairText(text, passage, max_tokens)) for passage in passages]


def read_texts(tokenization: Tokenization, texts: Sequence[PairText]) -> list[TextOutcome]:
    """Tokenize what takes a moment; a long text gets a reader, for as many moments as it takes. Nothing is raised."""
    outcomes: list[TextOutcome] = []
    for query, group in groupby(texts, key=lambda text: text.query):
        passages = [text.passage for text in group]
        try:
            outcomes += _read(tokenization, query, passages)
        except Exception as error:  # noqa: BLE001  whatever a tokenizer raises, it is these texts that have failed
            outcomes += [error] * len(passages)
    return outcomes


def _key(prefix: hashlib.blake2b, passage: bytes) -> bytes:
    digest = prefix.copy()
    digest.update(passage)
    return digest.digest()


def _read(tokenization: Tokenization, query: QueryText, passages: Sequence[str]) -> list[TextOutcome]:
    ids, reading = query.ids(tokenization), query.reading
    short = [passage for passage in passages if not tokenization.is_long(passage)]
    windows: list[Windows | InputTooLong] = tokenization.passages(ids, short, reading) if short else []
    made = iter(windows)
    return [
        tokenization.reader(ids, passage, reading) if tokenization.is_long(passage) else next(made)
        for passage in passages
    ]
