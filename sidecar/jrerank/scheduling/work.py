"""What waits in the queue: requests, the pairs that they wait for, and the windows of those."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from jrerank.domain import PairResult, Scored, Window

Text = TypeVar("Text")


@dataclass(frozen=True, slots=True)
class PairWork(Generic[Text]):
    """A pair that needs a score. `text` is for the tokenizer: the queue does not look into it.

    `key` stands for all that the score depends on. `estimated_tokens` counts until the pair has been tokenized. All tokens here are
    the first model's: one of the pair's own counts as `token_cost` of them.
    """

    key: bytes
    text: Text
    estimated_tokens: int
    token_cost: float = 1.0


@dataclass(eq=False, slots=True)
class Job(Generic[Text]):
    """A pair that at least one request waits for, or whose windows are still running.

    Of `windows`, which are there once it `is_read`, the first `taken` have gone to a worker, or will not. `waiting_tokens` are
    those of the rest, by estimate until it is read. There may be tens of thousands of jobs, so a job has no container of its own
    but the list of its requests, which is nearly always of one.
    """

    key: bytes
    text: Text
    waiting_tokens: int
    tickets: list[Ticket[Text]]
    being_read: bool = False
    is_read: bool = False
    truncated: bool = False
    windows: Sequence[Window] = ()
    taken: int = 0
    running: int = 0
    scored: int = 0
    tokens: int = 0
    logit: float = -math.inf
    error: Exception | None = None
    token_cost: float = 1.0
    is_second_round: bool = False

    def cost(self, window: Window) -> int:
        """The tokens that a window of it counts as."""
        return max(1, round(len(window) * self.token_cost))

    @property
    def is_ready(self) -> bool:
        """Whether a worker may take a window."""
        return self.taken < len(self.windows)

    @property
    def result(self) -> PairResult:
        """Once every window has run: the best window's logit, as in Dai and Callan's MaxP (SIGIR 2019)."""
        return self.error or Scored(self.logit, self.tokens, self.truncated)


@dataclass(eq=False, slots=True)
class Ticket(Generic[Text]):
    """A request's place in the queue. `results` fills while `waiting` empties. Times are in seconds on the caller's clock.

    `expects_more`: some of its pairs are still to come. `has_left`: nobody waits for it any more, and its pairs
    `to_leave` still have to be told.
    `is_small`: all of it takes less time than a window of others may.
    `fits`: whether all of it could be done by the deadline if it were alone. If it `comes_as_a_whole` it is due at once, else
    window by window. `slot` is its place in its caller's backlog.
    `is_second_round`: it has an answer already, which its results better; if it `has_ended`, only what runs is still waited for.
    """

    number: int
    caller: str
    arrival: float
    deadline: float
    due: float
    fits: bool
    comes_as_a_whole: bool = True
    is_small: bool = False
    slot: int = -1
    unread: deque[Job[Text]] = field(default_factory=deque)
    ready: deque[Job[Text]] = field(default_factory=deque)
    read_tokens: int = 0
    ready_tokens: int = 0
    taken_tokens: int = 0
    first_ready: float | None = None
    first_taken: float | None = None
    waiting: set[bytes] = field(default_factory=set)
    results: dict[bytes, PairResult] = field(default_factory=dict)
    in_line_for_tokenizer: bool = False
    in_line_for_worker: bool = False
    expects_more: bool = False
    has_left: bool = False
    to_leave: list[bytes] = field(default_factory=list)
    is_second_round: bool = False
    has_ended: bool = False

    @property
    def is_done(self) -> bool:
        """Whether nothing is waited for any more."""
        return not self.waiting and not self.expects_more

    def clear_lines(self) -> None:
        """Let no more of it be read or run for its sake."""
        self.ready.clear()
        self.unread.clear()


@dataclass(frozen=True, slots=True)
class QueuedWindow(Generic[Text]):
    """A window that a worker has taken, for a small request or a larger one."""

    job: Job[Text]
    window: Window
    is_small: bool = False

    @property
    def cost(self) -> int:
        """The tokens that it counts as."""
        return self.job.cost(self.window)


@dataclass(frozen=True, slots=True)
class Completed(Generic[Text]):
    """A pair that has its result, and the requests that have been told."""

    key: bytes
    result: PairResult
    tickets: tuple[Ticket[Text], ...]
