"""The options that name a collection, and reading it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jrerank.errors import InvalidInput

if TYPE_CHECKING:
    from jrerank.evaluation.collection import Collection


@dataclass(frozen=True, slots=True)
class DataOptions:
    """As given on the command line."""

    layout: str = "jaquad"
    data: Path | None = None
    queries: Path | None = None
    passages: Path | None = None
    labels: Path | None = None
    hits: Path | None = None
    split: str | None = None


def open_data(options: DataOptions) -> Collection:
    """The collection that they name.

    Raises:
        InvalidInput: an option is missing or not read by the layout, or a file can't be read.
        ModelNotFound: the hub has no such data set, or can't be reached.
    """
    from jrerank.evaluation.layouts.layout import Source, open_collection

    if options.layout == "trec":
        return _open_trec(options)
    if options.queries is not None:
        raise InvalidInput(f"the layout {options.layout} takes no --queries-file", field="queries-file")
    source = Source(
        options.layout, options.data, options.hits, options.passages, options.labels, options.split
    )
    return open_collection(source)


def _open_trec(options: DataOptions) -> Collection:
    from jrerank.evaluation.layouts.trec import read_trec

    if options.data or options.split:
        raise InvalidInput(
            f"the layout trec takes no {'--data' if options.data else '--split'}: name its files one by one",
            field="data",
        )
    files = (options.queries, options.passages, options.labels, options.hits)
    names = ("--queries-file", "--passages", "--labels", "--hits")
    missing = [name for name, file in zip(names, files, strict=True) if file is None]
    if missing:
        raise InvalidInput(f"the layout trec needs {', '.join(missing)}", field=missing[0])
    return read_trec(*(file for file in files if file is not None)).check()


def main_measure(layout: str) -> str:
    """The one that a public set's figures are published in."""
    from jrerank.evaluation.layouts.layout import LAYOUTS

    return LAYOUTS[layout].measure if layout in LAYOUTS else "nDCG@10"
