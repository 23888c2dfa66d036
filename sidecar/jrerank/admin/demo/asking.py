"""Which questions a demo asks: as many as it has time for, whatever the machine."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jrerank.evaluation.dataset import Dataset, Question

LEAST = 20  # asked whatever the time, so that there are figures


@dataclass(frozen=True, slots=True)
class Asking:
    """At most `questions`, for about `seconds`."""

    questions: int
    seconds: float

    def of(self, dataset: Dataset, clock: Callable[[], float] = time.monotonic) -> Iterator[Question]:
        """A sample spread evenly over the set, in random order, so that what has been asked when time is up is one too.

        The same questions in the same order each time. A bar shows the way on a terminal.
        """
        from rich.progress import Progress

        sample = dataset.sample(self.questions)
        order = random.Random(1).sample(sample, len(sample))  # noqa: S311
        with Progress(disable=not sys.stdout.isatty()) as progress:
            bar = progress.add_task("Asking", total=len(order))
            for question in _in_time(order, clock() + self.seconds, clock):
                yield question
                progress.advance(bar)


def _in_time(questions: Sequence[Question], end_s: float, clock: Callable[[], float]) -> Iterator[Question]:
    for asked, question in enumerate(questions):
        if asked >= LEAST and clock() >= end_s:
            return
        yield question
