"""Which run an output is of: noted beside it, so that no other goes on in it."""

from __future__ import annotations

import json
from pathlib import Path

from jrerank.errors import InvalidInput


def check_run(output: Path, run: dict[str, str]) -> None:
    """Note the run in `OUTPUT.run.json`, or compare it with what is noted there.

    Raises:
        InvalidInput: the output is of another run, or not of a run at all.
    """
    note = output.with_name(f"{output.name}.run.json")
    if not note.is_file():
        if output.exists() and output.stat().st_size:
            raise InvalidInput(
                f"{output} is there and not the output of a bulk run: remove it, or name another",
                field="output",
            )
        _write(note, run)
        return
    before = _noted(note)
    changed = [name for name in run if before.get(name) != run[name]]
    if changed:
        raise InvalidInput(
            f"{output} is the output of a run with another {', '.join(changed)}: remove it and {note.name}, or name another",
            field="output",
        )


def _write(note: Path, run: dict[str, str]) -> None:
    """Whole or not at all."""
    draft = note.with_name(f"{note.name}.part")
    draft.write_text(json.dumps(run, indent=2), encoding="utf-8")
    draft.replace(note)


def _noted(note: Path) -> dict[str, str]:
    try:
        return dict(json.loads(note.read_text(encoding="utf-8")))
    except ValueError:
        raise InvalidInput(f"{note} is not what a bulk run has noted: remove it", field="output") from None
