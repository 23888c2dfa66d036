"""Texts on their way to becoming windows: a query with its passages, a pair of both, and what a tokenizer makes of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from jrerank.errors import InputTooLong
from jrerank.tokenization.windows import LongReader, QueryIds, Reading, Tokenization, Windows

# Which of a scheduler's models reads a pair
FIRST, SECOND = 0, 1
# Windows, or a reader that has not come to the end of a long text yet, or why there are none
TextOutcome = Windows | LongReader | Exception


@dataclass(frozen=True, slots=True)
class QueryPassages:
    """A query, the passages that are to be scored for it, in first-stage order, and how they are read."""

    query: str
    passages: Sequence[str]
    reading: Reading


class QueryText:
    """The query of a request, how its passages are read, and by which `model`.

    It is tokenized once, by the thread that comes to it first.
    """

    def __init__(self, text: str, reading: Reading, model: int = FIRST) -> None:
        self.text = text
        self.reading = reading
        self.model = model
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
    """A query with one passage, which all its windows together read by about `max_tokens` at most, the query's included."""

    query: QueryText
    passage: str
    max_tokens: int

    @property
    def chars(self) -> int:
        """The length of both."""
        return len(self.query.text) + len(self.passage)

    @property
    def model(self) -> int:
        """Which model reads it."""
        return self.query.model


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


def _read(tokenization: Tokenization, query: QueryText, passages: Sequence[str]) -> list[TextOutcome]:
    ids, reading = query.ids(tokenization), query.reading
    short = [passage for passage in passages if not tokenization.is_long(passage)]
    windows: list[Windows | InputTooLong] = tokenization.passages(ids, short, reading) if short else []
    made = iter(windows)
    return [
        tokenization.reader(ids, passage, reading) if tokenization.is_long(passage) else next(made)
        for passage in passages
    ]
