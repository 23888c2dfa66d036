"""How large requests are: a number, a range, a lognormal distribution, or what a log says."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jrerank.errors import InvalidInput
from jrerank.evaluation.layouts.rows import Row, read_rows

_FORM = re.compile(r"(?P<low>\d+)(?:-(?P<high>\d+))?|lognormal:(?P<mean>\d+(?:\.\d+)?):(?P<sigma>\d*\.?\d+)")


@dataclass(frozen=True, slots=True)
class Size:
    """Of one request."""

    documents: int
    chars: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """`20`, `5-100` (uniform) or `lognormal:MEAN:SIGMA`."""

    low: int = 1
    high: int = 1
    mean: float | None = None
    sigma: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Distribution:
        """`20`, `5-100` or `lognormal:MEAN:SIGMA`.

        Raises:
            InvalidInput: it has another form.
        """
        match = _FORM.fullmatch(text.strip())
        if match is None or (match["high"] and int(match["high"]) < int(match["low"])):
            raise InvalidInput(f"{text!r} is no size: 20, 5-100 or lognormal:MEAN:SIGMA", field="documents")
        if not float(match["mean"] or match["high"] or match["low"]):
            raise InvalidInput(f"{text!r}: nothing would be sent; sizes are from 1", field="documents")
        if match["mean"]:
            return cls(mean=float(match["mean"]), sigma=float(match["sigma"]))
        return cls(int(match["low"]), int(match["high"] or match["low"]))

    @property
    def expected(self) -> float:
        """The mean."""
        return self.mean if self.mean is not None else (self.low + self.high) / 2

    def draw(self, generator: np.random.Generator) -> int:
        """One size, at least 1."""
        if self.mean is None:
            return max(1, int(generator.integers(self.low, self.high + 1)))
        centre = math.log(self.mean) - self.sigma**2 / 2
        return max(1, round(float(generator.lognormal(centre, self.sigma))))


def drawn_sizes(documents: Distribution, chars: Distribution, seed: int = 2) -> Iterator[Size]:
    """Without end, always the same ones."""
    generator = np.random.default_rng(seed)
    while True:
        yield Size(documents.draw(generator), chars.draw(generator))


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """When and how large a real request was."""

    at: float
    size: Size


def _finite(value: object) -> float:
    number = float(str(value))
    if not math.isfinite(number):
        raise ValueError(f"at {value}")
    return number


def read_log(path: Path, chars: int = 300) -> list[LoggedRequest]:
    """JSONL with `at` (seconds), `documents` and, if it is known, `chars` of a passage.

    Raises:
        InvalidInput: a line lacks something.
    """
    logged = [_logged(row, chars) for row in read_rows(path)]
    if not logged:
        raise InvalidInput(f"{path} has no request", field="log")
    return logged


def _logged(row: Row, chars: int) -> LoggedRequest:
    try:
        size = Size(int(row.content["documents"]), int(row.get("chars", chars)))
        if min(size.documents, size.chars) < 1:
            raise ValueError(f"{size.documents} documents of {size.chars} characters")
        return LoggedRequest(_finite(row.content["at"]), size)
    except (KeyError, TypeError, ValueError) as error:
        raise row.wrong(f"`at` in seconds and `documents` are needed: {error!r}", "log") from None
