"""A cascade: a second, better model reads the top of what the first one has ranked, and puts it in order.

The first model's scores set the scale, the second's the order: what the first gave to the hits at the top is dealt out to them
anew, the most to whichever the second likes best. So there is one scale whether or not there was time for a second round, a
threshold lets as many hits pass as without it, and no hit below the top is passed by one that was never above it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from jrerank.domain import PairResult, Scored

# Of a single hit no other order can be made
LEAST_DEPTH = 2


@dataclass(frozen=True, slots=True)
class Head:
    """The top of a first ranking: the places of its hits among the candidates, best first, and of each the passage to read.

    `results` are what came of the passages: None where one was not reached by the deadline.
    """

    places: tuple[int, ...] = ()
    passages: tuple[str, ...] = ()
    results: tuple[PairResult | None, ...] = ()

    @property
    def read(self) -> dict[int, Scored]:
        """What the second model made of the hits, by their places, up to the first one that it has no score for.

        A round that was cut off is one of less depth: who was left out is not compared with who was read.
        """
        pairs = zip(self.places, self.results, strict=True)
        return {
            place: result
            for place, result in takewhile(lambda pair: isinstance(pair[1], Scored), pairs)
            if isinstance(result, Scored)
        }

    @property
    def is_read(self) -> bool:
        """Whether nothing of it was left out."""
        return len(self.read) == len(self.places)


def exchanged(scored: Sequence[Scored | None], second: Mapping[int, Scored]) -> list[Scored | None]:
    """What the first model made of all candidates, with the logits of those that the second has read in the second's order.

    Args:
        scored: by the first model; None where it has not read a candidate.
        second: by the second model, by places; the first has read each of them. Equals keep the order that they have here.
    """
    first = {place: result for place in second if (result := scored[place]) is not None}
    logits = sorted((result.logit for result in first.values()), reverse=True)
    by_second = sorted(first, key=lambda place: -second[place].logit)
    exchanged_ = list(scored)
    for place, logit in zip(by_second, logits, strict=True):
        truncated = first[place].truncated or second[place].truncated
        exchanged_[place] = replace(first[place], logit=logit, truncated=truncated)
    return exchanged_
