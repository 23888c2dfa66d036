"""The user's own statement in a real PostgreSQL, measured as it is and offline."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from jrerank.admin.demo.embedded_postgres import embedded_postgres
from measured import BIGRAM_SQL, DEPTH, create_passages, figures

pytestmark = pytest.mark.filterwarnings("ignore:.*XDG_RUNTIME_DIR")


def test_a_statement_is_worth_what_its_lists_are_worth(tmp_path: Path) -> None:
    with embedded_postgres() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        create_passages(connection)

        def search(query: str) -> list[tuple[str, float]]:
            rows = connection.execute(BIGRAM_SQL.encode(), {"query": query, "size": DEPTH}).fetchall()
            return [(str(id), float(score)) for id, _, score in rows]

        file = tmp_path / "search.sql"
        file.write_text(BIGRAM_SQL, encoding="utf-8")
        # Without the extension nothing tells what became of a statement that reranks
        found = figures(tmp_path, search, ["--dsn", dsn, "--sql", str(file), "--rerank-sql", str(file)])
    assert found["first stage"]["nDCG@10"] > 0.5
    assert found["offline"] == pytest.approx(found["first stage"], abs=1e-9)
    assert found["reranked in SQL"] == found["first stage"]
