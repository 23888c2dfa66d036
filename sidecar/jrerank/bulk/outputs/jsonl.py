"""JSON lines, appended to."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from jrerank.bulk.outputs.disk import written_or_unavailable
from jrerank.bulk.sources.source import Done
from jrerank.errors import InvalidInput

# Stands in no other line: within a string quotes have backslashes. To look for it is faster than to parse each line
_COMPLETE = b'"outcome": "complete"'


class JsonlOutput:
    """A run that was killed leaves whole lines and perhaps a torn one, which is cut off.

    So the number of lines is the number of rows that are done, and no second file has to agree with the first.
    """

    is_finished = False

    def __init__(self, path: Path, check: Callable[[Path], None]) -> None:
        """Open `path` to go on, or begin it, once `check` has found nothing against it. No other run can open it meanwhile.

        Raises:
            InvalidInput: another run is writing it, or a line is none of a run, or as `check` does.
            OSError: it cannot be written.
        """
        self._path = path
        self._file = path.open("ab")
        try:
            _lock(self._file, path)
            check(path)
            self.done, end = _done(path)
            self._file.truncate(end)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """For `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; what was written by `append` stays."""
        with suppress(OSError):  # it would try once more what `append` could not write, and has told of
            self._file.close()

    def append(self, lines: Iterable[dict[str, object]]) -> None:
        """Write lines, and have the disk keep them.

        Raises:
            Unavailable: it is full, or failed.
        """
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        with written_or_unavailable(self._path):
            self._file.write(text.encode("utf-8", "replace"))
            self._file.flush()
            os.fsync(self._file.fileno())

    def finish(self) -> None:
        """There is nothing left to do."""


def _lock(file: IO[bytes], path: Path) -> None:
    """Until it is closed, also by a kill: two runs would write the same rows, and each would cut off what the other is writing."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InvalidInput(
            f"another run is writing {path}: wait until it has ended, or name another output", field="output"
        ) from None


def _done(path: Path) -> tuple[Done, int]:
    """What the lines say that end, and where the last of them does."""
    rows = wrong = incomplete = end = 0
    last = b""
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            last, rows, end = line, rows + 1, end + len(line)
            if _COMPLETE not in line:
                content = _content(line, rows, path)
                wrong += content.get("error") is not None
                incomplete += content.get("outcome") is not None
    last_id = str(_content(last, rows, path)["id"]) if rows else None
    return Done(rows, last_id, wrong, incomplete), end


def _content(line: bytes, number: int, path: Path) -> dict[str, Any]:
    try:
        content = dict(json.loads(line))
    except (ValueError, TypeError):
        content = {}
    if "id" not in content:
        raise InvalidInput(f"line {number} of {path} is none of a bulk run", field="output")
    return content
