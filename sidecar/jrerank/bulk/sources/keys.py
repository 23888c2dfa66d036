"""A run goes on behind the last key that it has done: whether keys give such an order."""

from __future__ import annotations

from jrerank.bulk.sources.source import Done
from jrerank.errors import InvalidInput


def check_keys(key: str, rows: int, without: int, different: int | None = None) -> None:
    """Refuse rows whose keys don't say where a run was cut off.

    Args:
        different: how many different keys there are, where that is known.

    Raises:
        InvalidInput: rows have no key, or share one.
    """
    if without:
        raise InvalidInput(
            f"--key {key}: {without} of {rows} rows have none, so a run that is cut off could not go on behind one",
            field="key",
        )
    if different is not None and different < rows:
        raise not_unique(key, f"{rows} rows have {different} keys")


def not_unique(key: str, why: str) -> InvalidInput:
    """Rows share a key."""
    return InvalidInput(
        f"--key {key}: {why}; it must tell all rows apart, so that a run that is cut off goes on behind one",
        field="key",
    )


def check_done(done: Done, rows: int, with_last_key: int) -> None:
    """Refuse to go on where rows have come or gone since.

    Args:
        rows: how many there are now, up to the last key that is done, that one included.
        with_last_key: how many have that key now.

    Raises:
        InvalidInput: they are not those that are done.
    """
    if rows != done.rows or with_last_key != 1:
        raise InvalidInput(
            f"{done.rows} rows are done, up to the key {done.last_id}, and there are {rows} now: rows have come or gone"
            " before it. Begin anew, with another output",
            field="input",
        )
