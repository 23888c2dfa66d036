"""Whether a new request can be done by its deadline, with what comes before it; and what it gets if not all of it can be.

A request that could not be finished in time even alone is let in for a head: only as many at once as each get a part of the
machine that is worth having, since a hit list of which one hit has been scored is worth less than one that is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from jrerank.domain import LEAST_SECOND_DEPTH
from jrerank.scheduling.backlog import Backlog
from jrerank.scheduling.throughput import Throughput

# How many times as long as alone a request may take before it comes before smaller ones that are newer
STRETCH = 4.0
# Which share of a request's time may be filled: runs differ in length, and estimates err
_USABLE_TIME = 0.9
# Which share of what it would get alone a request has to get that cannot be finished
_LEAST_HEAD = 1 / 12
# Second rounds are due so much later than their deadlines: after all first rounds
_AFTER_FIRST_ROUNDS_S = 1e9


@dataclass(frozen=True, slots=True)
class Load:
    """What is there already: the backlog of the caller, if any, how many other callers have one, and tokens in all."""

    own: Backlog | None
    other_callers: int
    waiting_tokens: int
    running_tokens: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request wants: tokens in all, of which `new_tokens` nobody waits for yet, and of its first pair; by when."""

    tokens: int
    new_tokens: int
    first_tokens: int
    arrival: float
    deadline: float
    due: float
    fits: bool
    is_second_round: bool = False

    @property
    def comes_as_a_whole(self) -> bool:
        """Whether all of it is due at once. What cannot be done in time is due window by window, but for a second round."""
        return self.fits or self.is_second_round

    def missing_s(self, throughput: Throughput, load: Load) -> float:
        """How much more time the request would need, with what comes before it."""
        time_s = (self.deadline - self.arrival) * _USABLE_TIME
        if load.own and load.own.unfit:  # their windows are due at the pace of the rest of the time
            time_s *= 1 - 1 / STRETCH
        least = self.first_tokens * (LEAST_SECOND_DEPTH if self.is_second_round else 1)
        head = max(min(least, self.tokens), head_tokens(throughput, time_s))
        ahead = self._tokens_ahead(throughput, load, self.tokens if self.fits else head)
        return throughput.seconds_for(load.running_tokens + ahead) - time_s

    def _tokens_ahead(self, throughput: Throughput, load: Load, needed: int) -> int:
        """Of `needed` tokens of this request and all that comes before them."""
        own = needed
        # What cannot be done in time is due window by window, and before any second round
        if load.own and self.is_second_round:
            own += load.own.unfit_tokens
        if load.own and self.fits:
            own += load.own.due_by(self.due)
        elif load.own and self.is_second_round:
            own += self._second_tokens_ahead(throughput, load.own)
        elif load.own:  # each of those that can't be finished either is to get as much as this one
            due = self.arrival + stretched_s(throughput, self.first_tokens)
            own += load.own.due_by(due) + load.own.unfit * needed
        others = load.waiting_tokens - (load.own.tokens if load.own else 0)
        # While a caller's own work is done, no other caller is given more than that
        ahead = own + max(0, min(others, load.other_callers * own))
        # Pairs that several requests wait for count in the backlog of each, but run once
        return min(ahead, load.waiting_tokens + min(needed, self.new_tokens))

    def _second_tokens_ahead(self, throughput: Throughput, own: Backlog) -> int:
        """Second rounds that come before this one are cut off at their deadlines, and leave it what is beyond the last of those."""
        until_s = own.last_due(self.due) - _AFTER_FIRST_ROUNDS_S - self.arrival
        first_rounds = own.due_by(_AFTER_FIRST_ROUNDS_S)
        return min(own.due_by(self.due), max(first_rounds, round(until_s * throughput.tokens_per_s)))


def demand_of(
    throughput: Throughput,
    tokens: int,
    new_tokens: int,
    first_tokens: int,
    deadline: float,
    now: float,
    *,
    is_second_round: bool = False,
) -> Demand:
    """What a request wants that comes in now, or its second round."""
    alone_s = throughput.seconds_for(tokens)
    fits = alone_s <= (deadline - now) * _USABLE_TIME
    due = min(deadline, now + STRETCH * alone_s)
    if is_second_round:
        due = _AFTER_FIRST_ROUNDS_S + deadline
    return Demand(tokens, new_tokens, first_tokens, now, deadline, due, fits, is_second_round)


def stretched_s(throughput: Throughput, tokens: int) -> float:
    """How long after its arrival a request is due that would need so many tokens alone."""
    return STRETCH * throughput.seconds_for(tokens)


def head_tokens(throughput: Throughput, time_s: float) -> int:
    """How much of a request that cannot be finished is done in so much time at least."""
    return max(1, round(time_s * throughput.tokens_per_s * _LEAST_HEAD))
