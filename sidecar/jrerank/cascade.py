"""A cascade: a second, better model reads the top of what the first one has ranked, and puts it in order.

The first round's scores set the scale, the second model the order: the scores of the hits at the top, after fusion if there is any,
are dealt out to them anew, the most to whichever the second likes best. So there is one scale whether or not there was time for a
second round, a threshold lets as many hits pass as without it, and no hit below the top is passed by one that was never above it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from jrerank.domain import PairResult, RankedHit, Scored
from jrerank.errors import InputTooLong


@dataclass(frozen=True, slots=True)
class Head:
    """A first ranking and its top: all `hits`, best first, and of each of the first ones the passage to read.

    `results` are what came of the passages: None where one was not reached by the deadline.
    """

    hits: tuple[RankedHit, ...] = ()
    passages: tuple[str, ...] = ()
    results: tuple[PairResult | None, ...] = ()

    @property
    def read(self) -> dict[int, Scored]:
        """What the second model made of the hits, by their places, up to the first one that it has no score for.

        A round that was cut off is one of less depth: who was left out is not compared with who was read. So is one that comes to
        a text that may not be truncated and is too long for the second model.
        """
        pairs = zip(self.hits, self.results, strict=False)
        return {
            hit.index: result
            for hit, result in takewhile(lambda pair: isinstance(pair[1], Scored), pairs)
            if isinstance(result, Scored)
        }

    @property
    def is_read(self) -> bool:
        """Whether nothing of it was left out."""
        return self.reason is None

    @property
    def reason(self) -> str | None:
        """Why not all of it was read, by what came of the first hit that was left out; None where all was."""
        not_scored = [result for result in self.results if not isinstance(result, Scored)]
        match not_scored[:1]:
            case []:
                return None
            case [None]:
                return "deadline"
            case [InputTooLong()]:
                return "too_long"
            case _:
                return "engine_error"


def reordered(hits: Sequence[RankedHit], second: Mapping[int, Scored]) -> tuple[RankedHit, ...]:
    """A first ranking with its top in the second model's order: each place keeps the score and the logit that it had.

    Args:
        hits: as the first round ranks them, fusion included; equals of the second model keep its order.
        second: what the second model made of each of the first hits, by `index`.
    """
    top, rest = hits[: len(second)], hits[len(second) :]
    by_second = sorted(top, key=lambda hit: -second[hit.index].logit)
    read = [
        replace(
            hit,
            score=place.score,
            logit=place.logit,
            second_logit=second[hit.index].logit,
            truncated=hit.truncated or second[hit.index].truncated,
        )
        for place, hit in zip(top, by_second, strict=True)
    ]
    return (*read, *rest)
