"""The words of the project as data: frozen, no I/O, no third party.

A *candidate* is a hit before reranking, a *hit* one after it. A *deadline* is an absolute time on the clock
of `time.monotonic()`, in seconds.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

# Of a single hit a second model can make no other order
LEAST_SECOND_DEPTH = 2
LEAST_WINDOW_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Candidate:
    """One hit of the first stage. `passage` is None where a store has to fetch it.

    `others` are further passages of the hit: it is worth what its best one is.
    """

    id: str
    passage: str | None = None
    score: float | None = None
    others: tuple[str, ...] = ()

    @property
    def passages(self) -> tuple[str, ...]:
        """All of them."""
        return () if self.passage is None else (self.passage, *self.others)


@dataclass(frozen=True, slots=True)
class Fusion:
    """How the first stage's opinion is mixed in.

    `linear` orders by logit + `weight` x first-stage score, `rrf` by the sum of 1 / (`rank_constant` + rank)
    over both rankings (Cormack, Clarke and Buettcher, SIGIR 2009).
    """

    method: Literal["linear", "rrf"]
    weight: float = 1.0
    rank_constant: int = 60


Truncation = Literal["right", "left", "refuse"]


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """A query and the first stage's hits, in the first stage's order.

    `max_tokens_per_doc` bounds how much of a passage is read; beyond the model's length it is read in
    windows. `caller` is whom the scheduler is fair to.
    """

    query: str
    candidates: tuple[Candidate, ...]
    deadline: float
    top_n: int | None = None
    fusion: Fusion | None = None
    store: str | None = None
    max_tokens_per_doc: int | None = None
    truncation: Truncation = "right"
    caller: str = ""

    @property
    def documents(self) -> int:
        """How many passages there are; one that a store has yet to give counts too."""
        return sum(1 + len(candidate.others) for candidate in self.candidates)

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to compare passages with: what a model makes of that is noise."""
        return not self.query.strip()


class Outcome(StrEnum):
    """What became of a request: every passage of every hit read, some, or none; whatever a second model has read of its top."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    PASSTHROUGH = "passthrough"


@dataclass(frozen=True, slots=True)
class Window:
    """What a model reads in one run: a query and a part of a passage. The unit of work of scheduling and engines.

    `ids` are token ids, special tokens included, of type `i`. The passage's segment begins at `passage_start`.
    """

    ids: array[int]
    passage_start: int

    def __len__(self) -> int:
        """The number of tokens."""
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """What serves: for people and for answers, not for decisions."""

    version: str
    model: str
    fingerprint: str
    precision: str
    engine: str
    workers: int
    max_tokens: int
    window_tokens: int | None = None
    second: SecondModelInfo | None = None


@dataclass(frozen=True, slots=True)
class SecondModelInfo:
    """The model that reads the top `depth` hits of the first one's ranking once more.

    A token of it takes `token_cost` times as long as one of the first model's, as measured at the start.
    """

    model: str
    fingerprint: str
    precision: str
    depth: int
    token_cost: float
    window_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """What the model made of a pair: its logit, how many tokens were read, and whether the passage was cut short."""

    logit: float
    tokens: int
    truncated: bool = False


PairResult = Scored | Exception


@dataclass(frozen=True, slots=True)
class RankedHit:
    """A hit after reranking.

    `score` is what the hits are ordered by: the sigmoid of the logit, or the fused score; None where the hit
    was not scored. `index` is the 0-based place among the candidates. `truncated`: not all of its passage was read. `best` is the
    place of the passage that it was scored by among the candidate's. `second_logit` is what the second model says of that passage,
    which decides the hit's place among all that it has read; `score` and `logit` are then those of that place in the first round:
    see `cascade`.
    """

    id: str
    index: int
    score: float | None
    logit: float | None
    first_score: float | None
    truncated: bool = False
    best: int = 0
    second_logit: float | None = None

    @property
    def scored(self) -> bool:
        """Whether the model has read this hit."""
        return self.logit is not None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Hits in their new order. `hits` holds `top_n` of them; the outcome tells of all candidates.

    `reason` says in one word why the outcome is not complete: `deadline`, `engine_error`, `store_error`,
    `store_timeout`, `missing_passages`, `blank_query`. `truncated` counts the candidates whose passages were not read to their
    ends. `second_read` is how many hits of the top the second model has put in order; None where there is none. `second_reason`
    says why not all that it was to read: `deadline`, `engine_error`, or `too_long` where truncation is refused.
    """

    hits: tuple[RankedHit, ...]
    outcome: Outcome
    reason: str | None = None
    tokens: int = 0
    missing: tuple[str, ...] = ()
    truncated: int = 0
    second_read: int | None = None
    second_reason: str | None = None


def sigmoid(logit: float) -> float:
    """A logit as a score between 0 and 1, without overflow."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    return math.exp(logit) / (1.0 + math.exp(logit))
