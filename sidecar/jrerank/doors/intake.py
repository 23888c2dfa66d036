"""What a door has read becomes a `RerankRequest`: limits, deadline, caller and options, once for all doors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jrerank.domain import Candidate, Fusion, RerankRequest, Truncation
from jrerank.errors import InputTooLong, InvalidInput

# Kept back for writing the answer: a share of the timeout within bounds, and some for each document, since several large
# answers may be due at the same moment (8 of 1,000 documents took some 30 ms on two busy cores)
_RESERVE_SHARE = 0.05
_MIN_RESERVE_S, _MAX_RESERVE_S = 0.002, 0.02
_RESERVE_S_PER_DOCUMENT = 0.00002


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest request that is accepted, and how much all requests together may hold."""

    body_bytes: int
    documents: int
    query_chars: int
    passage_chars: int
    open_body_bytes: int = 128 * 1024 * 1024

    def check_query(self, query: str, field: str = "query") -> None:
        """Refuse a query that is too long.

        Raises:
            InputTooLong: names `field`.
        """
        if len(query) > self.query_chars:
            raise InputTooLong(
                f"{field} has {len(query)} characters; at most {self.query_chars} are accepted", field=field
            )

    def check_count(self, values: object, field: str) -> None:
        """Refuse a list of too many values, whatever they are.

        Raises:
            InputTooLong: names `field`.
        """
        if isinstance(values, (list, tuple)) and len(values) > self.documents:
            raise InputTooLong(
                f"{field} has {len(values)} entries; at most {self.documents} are accepted", field=field
            )

    def check_passages(self, passages: Sequence[str | None], field: str) -> None:
        """Refuse too many passages, or one that is too long.

        Raises:
            InputTooLong: names `field`, with the passage's index.
        """
        self.check_count(passages, field)
        if max(map(len, filter(None, passages)), default=0) <= self.passage_chars:
            return
        for index, passage in enumerate(passages):
            if passage is not None and len(passage) > self.passage_chars:
                raise InputTooLong(
                    f"{field}.{index} has {len(passage)} characters; at most {self.passage_chars} are accepted",
                    field=f"{field}.{index}",
                )


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, since when, and how long they can wait.

    `name` is whom the scheduler is fair to, `arrival` is on the clock of `time.monotonic()`, and `patience_ms` bounds whatever
    timeout the request names: a proxy in front gives up after it.
    """

    name: str
    arrival: float
    patience_ms: float = math.inf


@dataclass(frozen=True, slots=True)
class Options:
    """What a request may say beside its query and its passages."""

    top_n: int | None = None
    timeout_ms: float | None = None
    fusion: Fusion | None = None
    store: str | None = None
    max_tokens_per_doc: int | None = None
    truncation: Truncation = "right"


@dataclass(frozen=True, slots=True)
class Fields:
    """What a wire shape calls the query and the list of passages, for errors that name them.

    `passages` is None where the caller doesn't send them: their limits are no mistake of theirs. `scores` is a list of their own,
    or None where each stands beside its passage.
    """

    query: str = "query"
    passages: str | None = "documents"
    scores: str | None = None

    def score(self, index: int) -> str | None:
        """Where a first-stage score belongs."""
        if self.scores is not None:
            return f"{self.scores}.{index}"
        return None if self.passages is None else f"{self.passages}.{index}.score"

    def renamed(self, error: InputTooLong) -> InputTooLong:
        """An error of the reranker's, which knows `query` and `passages.3`, in the caller's words."""
        part, dot, index = (error.field or "").partition(".")
        name = self.query if part == "query" else f"{self.passages}{dot}{index}"
        return InputTooLong(f"{name}: {error}", field=name)


NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class Intake:
    """Makes requests. `timeout_ms` is the time of a request that names none."""

    limits: Limits
    timeout_ms: float

    def request(
        self,
        caller: Caller,
        query: str,
        candidates: Sequence[Candidate],
        options: Options = NO_OPTIONS,
        fields: Fields = Fields(),
    ) -> RerankRequest:
        """One query's request.

        Raises:
            InputTooLong: beyond a limit; the error's `field` is in the words of `fields`.
            InvalidInput: linear fusion adds first-stage scores, and a candidate has none.
        """
        (request,) = self.requests(caller, [(query, candidates)], options, fields)
        return request

    def requests(
        self,
        caller: Caller,
        queries: Sequence[tuple[str, Sequence[Candidate]]],
        options: Options = NO_OPTIONS,
        fields: Fields = Fields(),
    ) -> list[RerankRequest]:
        """Several queries with their candidates that are answered together: the limits and the deadline are those of all.

        Raises:
            InvalidInput: as `request` does.
        """
        everything = [candidate for _, candidates in queries for candidate in candidates]
        for query, _ in queries:
            self.limits.check_query(query, fields.query)
        if fields.passages is not None:
            self.limits.check_count(
                [passage for candidate in everything for passage in candidate.passages], fields.passages
            )
            self.limits.check_passages(
                [max(candidate.passages, key=len, default=None) for candidate in everything], fields.passages
            )
        _check_fusion(everything, options.fusion, fields)
        deadline = self.deadline(caller, options.timeout_ms, len(everything))
        return [_request(query, candidates, deadline, caller.name, options) for query, candidates in queries]

    def deadline(self, caller: Caller, timeout_ms: float | None, documents: int) -> float:
        """When scoring has to stop (on `time.monotonic()`'s clock) for a request that names a timeout, or none."""
        timeout_ms = min(timeout_ms or self.timeout_ms, caller.patience_ms)
        return scoring_deadline(caller.arrival, timeout_ms, documents)


def scoring_deadline(arrival: float, timeout_ms: float, documents: int) -> float:
    """When scoring has to stop, so that the answer is out `timeout_ms` after `arrival` (on `time.monotonic()`'s clock)."""
    timeout_s = timeout_ms / 1000
    reserve_s = (
        min(_MAX_RESERVE_S, max(_MIN_RESERVE_S, timeout_s * _RESERVE_SHARE))
        + documents * _RESERVE_S_PER_DOCUMENT
    )
    return arrival + max(timeout_s / 2, timeout_s - reserve_s)


def _request(
    query: str, candidates: Sequence[Candidate], deadline: float, caller: str, options: Options
) -> RerankRequest:
    return RerankRequest(
        query=query,
        candidates=tuple(candidates),
        top_n=options.top_n,
        deadline=deadline,
        fusion=options.fusion,
        store=options.store,
        max_tokens_per_doc=options.max_tokens_per_doc,
        truncation=options.truncation,
        caller=caller,
    )


def _check_fusion(candidates: Sequence[Candidate], fusion: Fusion | None, fields: Fields) -> None:
    if fusion is None or fusion.method != "linear":
        return
    for index, candidate in enumerate(candidates):
        if candidate.score is None:
            raise InvalidInput(
                f"hit {candidate.id!r} has no score, and linear fusion adds it; send scores or use rrf",
                field=fields.score(index),
            )
