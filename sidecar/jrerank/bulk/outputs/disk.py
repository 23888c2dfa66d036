"""What is said where a disk is full, or a server with files is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jrerank.errors import Unavailable


@contextmanager
def written_or_unavailable(path: Path) -> Iterator[None]:
    """For what is written to `path`: whoever makes room gives the same command again.

    Raises:
        Unavailable: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error}; the same command goes on") from error


@contextmanager
def whole_or_not_at_all(path: Path) -> Iterator[Path]:
    """A draft that becomes `path` at the end, or goes."""
    draft = path.with_name(f"{path.name}.part")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
