"""JSON lines, appended to."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Self

from jrerank.bulk.sources.source import Done
from jrerank.errors import InvalidInput

_BLOCK_BYTES = 1 << 20


class JsonlOutput:
    """A run that was killed leaves whole lines and perhaps a torn one, which is cut off.

    So the number of lines is the number of rows that are done, and no second file has to agree with the first.
    """

    is_finished = False

    def __init__(self, path: Path, check: Callable[[Path], None]) -> None:
        """Open `path` to go on, or begin it, once `check` has found nothing against it. No other run can open it meanwhile.

        Raises:
            InvalidInput: another run is writing it, or its last line is none of a run, or as `check` does.
            OSError: it cannot be written.
        """
        self._file = path.open("ab")
        try:
            _lock(self._file, path)
            check(path)
            rows, end = _whole_lines(path)
            self._file.truncate(end)
            self.done = Done(rows, _last_id(path, end))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """For `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; what was written by `append` stays."""
        self._file.close()

    def append(self, lines: Iterable[dict[str, object]]) -> None:
        """Write lines, and have the disk keep them."""
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
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


def _whole_lines(path: Path) -> tuple[int, int]:
    """How many lines there are that end, and where the last of them ends."""
    lines = end = position = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            lines += block.count(b"\n")
            last = block.rfind(b"\n")
            end = end if last < 0 else position + last + 1
            position += len(block)
    return lines, end


def _last_id(path: Path, end: int) -> str | None:
    """That of the last line; None where there is none."""
    if not end:
        return None
    with path.open("rb") as file:
        line = _last_line(file, end)
    try:
        return str(json.loads(line)["id"])
    except (ValueError, KeyError, TypeError):
        raise InvalidInput(f"the last line of {path} is none of a bulk run", field="output") from None


def _last_line(file: IO[bytes], end: int) -> bytes:
    """What stands between the last line break but one and the last, which is before `end`."""
    tail, begin = b"", end - 1
    while begin and b"\n" not in tail:
        size = min(_BLOCK_BYTES, begin)
        begin -= size
        file.seek(begin)
        tail = file.read(size) + tail
    return tail[tail.rfind(b"\n") + 1 :]
