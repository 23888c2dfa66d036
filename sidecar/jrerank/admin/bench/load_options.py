"""What `bench load` is told, and whether it fits together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from jrerank.admin.bench.addresses import check_url
from jrerank.errors import InvalidInput


class Arrivals(StrEnum):
    """How requests come."""

    CONSTANT = "constant"
    POISSON = "poisson"


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """As given on the command line."""

    url: str | None
    search_url: str | None
    template: Path | None
    dsn: str | None
    sql: Path | None
    rate: str
    seconds: float
    arrivals: Arrivals
    documents: str
    chars: str
    log: Path | None
    timeout_ms: int
    find_p99_ms: float | None
    pid: int | None
    model: str

    @property
    def name(self) -> str:
        """Of what is asked; a password in a DSN isn't shown."""
        return (
            self.url
            or self.search_url
            or ("PostgreSQL" if self.dsn else f"a sidecar of our own ({self.model})")
        )


def check(options: LoadOptions) -> None:
    """Before anything is started or sent.

    Raises:
        InvalidInput: an option is wrong, lacks its other half, or names a file that can't be read.
    """
    from jrerank.bench.quality.live.template import BodyTemplate

    if sum(map(bool, (options.url, options.search_url, options.dsn))) > 1:
        raise InvalidInput("one target at a time: --url, --search-url or --dsn", field="url")
    for option, url in (("url", options.url), ("search-url", options.search_url)):
        if url:
            check_url(url, option)
    _check_amounts(options)
    if options.dsn:
        statement_of(options.sql)
    if options.search_url:
        if options.template is None:
            raise InvalidInput("--search-url needs --template, a file with the body", field="template")
        BodyTemplate.read(options.template)


def _check_amounts(options: LoadOptions) -> None:
    from jrerank.bench.load.sizes import Distribution, read_log

    rate = rate_of(options.rate)
    Distribution.parse(options.documents)
    Distribution.parse(options.chars)
    if options.find_p99_ms is not None and not options.rate.endswith("x"):
        check_rate_to_try(rate, options.seconds)
    if options.log:
        read_log(options.log)
        if options.find_p99_ms is not None:
            raise InvalidInput("--find-p99-ms tries rates, and --log has its own", field="find-p99-ms")


def check_rate_to_try(rate: float, seconds: float) -> None:
    """Before a search begins with that rate.

    Raises:
        InvalidInput: too few requests would come to have a p99.
    """
    from jrerank.bench.load.highest import FEWEST_REQUESTS

    if rate * seconds < FEWEST_REQUESTS:
        raise InvalidInput(
            f"{seconds:g} s at {rate:.3g} requests/s are {rate * seconds:.0f} requests, and a p99 is of {FEWEST_REQUESTS} "
            f"or more: --seconds {math.ceil(FEWEST_REQUESTS / rate)}",
            field="seconds",
        )


def statement_of(path: Path | None) -> str:
    """The statement in a file.

    Raises:
        InvalidInput: there is none, or it can't be read.
    """
    if path is None:
        raise InvalidInput("--dsn needs --sql, a file with the statement", field="sql")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} can't be read: {error}", field="sql") from None


def rate_of(rate: str) -> float:
    """The number in `20` or `2x`.

    Raises:
        InvalidInput: there is none.
    """
    try:
        number = float(rate.removesuffix("x"))
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise InvalidInput(
            f"--rate {rate}: it must be requests a second, or a multiple such as 2x", field="rate"
        )
    return number
