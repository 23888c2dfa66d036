"""`bench quality` of a statement that reranks by the extension, beside one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from integration.postgres.installed import APP, install
from integration.postgres.servers import Database
from integration.postgres.sidecar import Address, KeyedSidecar
from jrerank.admin.app import app
from jrerank.admin.ports import free_port
from measured import BIGRAM_SQL, DEPTH, create_passages, figures

RERANKED = f"""
with hits as ({BIGRAM_SQL})
select reranked.id, hits.passage, reranked.score
from jrerank.rerank_hits(
  %(query)s,
  (select jrerank.hits(jrerank.hit(id, passage, score) order by score desc, id) from hits),
  timeout_ms => 60000
) reranked join hits using (id)
order by reranked.rank
"""


def statements(folder: Path) -> list[str]:
    """The options that name both statements."""
    files = {"--sql": folder / "search.sql", "--rerank-sql": folder / "reranked.sql"}
    for file, statement in zip(files.values(), (BIGRAM_SQL, RERANKED), strict=True):
        file.write_text(statement, encoding="utf-8")
    return [part for name, file in files.items() for part in (name, str(file))]


def test_a_statement_that_reranks_is_worth_what_it_answers(
    tmp_path: Path, database_18: Database, sidecar: KeyedSidecar
) -> None:
    installed = install(database_18, "http", sidecar.address)
    with database_18.connect() as admin:
        create_passages(admin)
        admin.execute("grant select on passages to app")
    options = statements(tmp_path)
    with installed.connect() as connection:

        def search(query: str) -> list[tuple[str, float]]:
            rows = connection.execute(RERANKED.encode(), {"query": query, "size": DEPTH}).fetchall()
            return [(str(id), float(score)) for id, _, score in rows]

        query = {"query": "ビクターの次に藤山が所属したのはどこのレコード会社ですか?", "size": DEPTH}
        first_order = [id for id, *_ in connection.execute(BIGRAM_SQL.encode(), query)]
        assert [id for id, _ in search(str(query["query"]))] != first_order
        found = figures(tmp_path, search, ["--dsn", database_18.dsn(APP), *options])
    assert found["first stage"]["nDCG@10"] > 0.5
    assert found["reranked in SQL"] == pytest.approx(found["offline"], abs=1e-9)


def test_a_statement_that_nothing_reranked_is_not_measured(tmp_path: Path, database_18: Database) -> None:
    """No sidecar is there: the hits come in their old order, and would be taken for the reranker's."""
    installed = install(database_18, "http", Address(f"http://127.0.0.1:{free_port()}", free_port()))
    with database_18.connect() as admin:
        create_passages(admin)
        admin.execute("grant select on passages to app")
        admin.execute(f"alter role app in database {database_18.name} set jrerank.status = 'transaction'")
    line = ["bench", "quality", "--queries", "2", "--depth", "5"]
    result = CliRunner().invoke(app, [*line, "--dsn", installed.database.dsn(APP), *statements(tmp_path)])
    assert result.exit_code == 1, result.output
    assert "reranked in SQL: all 2 searches passed through, nothing was reranked" in " ".join(
        result.output.split()
    )
