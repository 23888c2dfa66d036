"""Which run an output is of: noted beside it, so that no other goes on in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from jrerank.bulk.outputs.disk import whole_or_not_at_all
from jrerank.bulk.sources.source import Source
from jrerank.errors import InvalidInput, UnknownStore
from jrerank.settings import Settings


def run_of(source: Source, model: Mapping[str, str], store: str | None) -> dict[str, str]:
    """What rows and scores depend on, for the note."""
    return {"input": source.fingerprint, **model, **({"store": store} if store is not None else {})}


def check_store(store: str | None, settings: Settings) -> None:
    """Refuse a store that isn't there, before each row has an error for it that stays when the option is put right.

    Raises:
        UnknownStore: the settings have none of that name.
    """
    if store is not None and store not in settings.stores:
        known = ", ".join(settings.stores) or "JRERANK_STORES has none"
        raise UnknownStore(f"--store {store}: there is no such store ({known})", field="store")


def check_run(output: Path, run: dict[str, str], rows: Path) -> None:
    """Note the run in `OUTPUT.run.json`, or compare it with what is noted there.

    Args:
        output: as the operator names it.
        run: as `run_of` says; what it lacks, such as a second model, is not in it.
        rows: the file that has the rows until now; of Parquet that is another one until the end.

    Raises:
        InvalidInput: the rows are of another run, or not of a run at all.
    """
    note = output.with_name(f"{output.name}.run.json")
    if not note.is_file():
        if rows.exists() and rows.stat().st_size:
            raise InvalidInput(
                f"{rows} is there and not the output of a bulk run, for there is no {note.name}: remove it, or name another",
                field="output",
            )
        _write(note, run)
        return
    before = _noted(note)
    # An option that this run lacks and the other had is as much of a difference as one with another value
    changed = [name for name in dict.fromkeys((*before, *run)) if before.get(name) != run.get(name)]
    if changed:
        raise InvalidInput(
            f"{output} is the output of a run with another {', '.join(changed)}: remove {rows.name} and {note.name},"
            " or name another",
            field="output",
        )


def _write(note: Path, run: dict[str, str]) -> None:
    with whole_or_not_at_all(note) as draft:
        draft.write_text(json.dumps(run, indent=2), encoding="utf-8")


def _noted(note: Path) -> dict[str, str]:
    try:
        return dict(json.loads(note.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise InvalidInput(f"{note} is not what a bulk run has noted: remove it", field="output") from None
