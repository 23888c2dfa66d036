"""The output: one line for each row of the input, in its order. What is there says how far a run has come."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from jrerank.errors import InvalidInput

_BLOCK_BYTES = 1 << 20


class Output:
    """Appends lines to a file.

    A run that was killed leaves whole lines and perhaps a torn one, which is cut off: so the number of lines is the number of rows
    that are done, and no second file has to agree with the first. Beside it, `PATH.run.json` says which input and model it is of.
    """

    def __init__(self, path: Path, run: dict[str, str]) -> None:
        """Open `path` to go on, or begin it.

        Raises:
            InvalidInput: the file is of another run, or not of a run at all.
        """
        self._check_run(path, run)
        self.done_rows, end = _whole_lines(path)
        self._file = path.open("ab")
        self._file.truncate(end)

    def __enter__(self) -> Self:
        """For `with`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; what was written by `append` stays."""
        self._file.close()

    def append(self, lines: Iterable[dict[str, object]]) -> None:
        """Write lines, and have the disk keep them."""
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        self._file.write(text.encode())
        self._file.flush()
        os.fsync(self._file.fileno())

    def _check_run(self, path: Path, run: dict[str, str]) -> None:
        note = path.with_name(f"{path.name}.run.json")
        if not note.is_file():
            if path.exists() and path.stat().st_size:
                raise InvalidInput(
                    f"{path} is there and not the output of a bulk run: remove it, or name another",
                    field="output",
                )
            note.write_text(json.dumps(run, indent=2), encoding="utf-8")
            return
        before = json.loads(note.read_text(encoding="utf-8"))
        changed = [name for name in run if before.get(name) != run[name]]
        if changed:
            raise InvalidInput(
                f"{path} is the output of a run with another {', '.join(changed)}: remove it and {note.name}, or name another",
                field="output",
            )


def _whole_lines(path: Path) -> tuple[int, int]:
    """How many lines there are that end, and where the last of them ends."""
    lines = end = position = 0
    if not path.exists():
        return 0, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            lines += block.count(b"\n")
            last = block.rfind(b"\n")
            end = end if last < 0 else position + last + 1
            position += len(block)
    return lines, end
