"""The user's own statement in a real PostgreSQL, measured as it is and offline."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from jrerank.admin.demo.embedded_postgres import embedded_postgres
from jrerank.evaluation.dataset import load_dataset
from measured import DEPTH, figures

pytestmark = pytest.mark.filterwarnings("ignore:.*XDG_RUNTIME_DIR")
# how many pairs of the query's characters a passage has
STATEMENT = """
select id, passage, score from (
  select id, passage, (
    select count(*) from generate_series(1, length(%(query)s) - 1) at
    where position(substr(%(query)s, at, 2) in passage) > 0
  )::float8 as score
  from passages
) found order by score desc, id limit %(size)s
"""


def test_a_statement_is_worth_what_its_lists_are_worth(tmp_path: Path) -> None:
    with embedded_postgres() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table passages (id text primary key, passage text not null)")
        with connection.cursor() as cursor, cursor.copy("copy passages from stdin") as copy:
            for row in load_dataset().passages.items():
                copy.write_row(row)

        def search(query: str) -> list[tuple[str, float]]:
            rows = connection.execute(STATEMENT.encode(), {"query": query, "size": DEPTH}).fetchall()
            return [(str(id), float(score)) for id, _, score in rows]

        file = tmp_path / "search.sql"
        file.write_text(STATEMENT, encoding="utf-8")
        found = figures(tmp_path, search, ["--dsn", dsn, "--sql", str(file)])
    assert found["first stage"]["nDCG@10"] > 0.5
    assert found["offline"] == pytest.approx(found["first stage"], abs=1e-9)
