"""`bench quality` on a live search beside the same lists as a TREC run: they have to be worth the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.evaluation.dataset import load_dataset

QUERIES, DEPTH = 20, 20


def figures(
    folder: Path, search: Callable[[str], Sequence[tuple[str, float]]], options: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Measures by system: `first stage` was searched by the command, `offline` is what `search` gave for the same questions."""
    questions = load_dataset().questions
    run = folder / "offline.run"
    ids = [place * len(questions) // QUERIES for place in range(QUERIES)]
    lines = [
        f"{id} Q0 {hit} {rank} {score} x"
        for id in ids
        for rank, (hit, score) in enumerate(search(questions[id].text), start=1)
    ]
    run.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = folder / "report.json"
    line = [
        "bench",
        "quality",
        "--queries",
        str(QUERIES),
        "--depth",
        str(DEPTH),
        "--run",
        f"offline={run}",
        "--json",
        str(report),
    ]
    result = CliRunner().invoke(app, [*line, *options])
    assert result.exit_code == 0, result.output
    systems = json.loads(report.read_text(encoding="utf-8"))["systems"]
    return {
        system["name"]: {
            figure["name"]: figure["value"]
            for figure in system["figures"]
            if figure["name"] != "time per query"
        }
        for system in systems
    }
