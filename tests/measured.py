"""`bench quality` on a live search beside the same lists as a TREC run: they have to be worth the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from typer.testing import CliRunner

from jrerank.admin.app import app
from jrerank.evaluation.dataset import load_dataset

QUERIES, DEPTH = 20, 20
# how many pairs of the query's characters a passage has
BIGRAM_SQL = """
select id, passage, score from (
  select id, passage, (
    select count(*) from generate_series(1, length(%(query)s) - 1) at
    where position(substr(%(query)s, at, 2) in passage) > 0
  )::float8 as score
  from passages
) found order by score desc, id limit %(size)s
"""


def create_passages(connection: psycopg.Connection[Any]) -> None:
    """The table that `BIGRAM_SQL` searches."""
    connection.execute("create table passages (id text primary key, passage text not null)")
    with connection.cursor() as cursor, cursor.copy("copy passages from stdin") as copy:
        for row in load_dataset().passages.items():
            copy.write_row(row)


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
