"""`bench quality` of a statement that reranks by the extension, beside one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.postgres.installed import APP, install
from integration.postgres.servers import Database
from integration.postgres.sidecar import KeyedSidecar
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


def test_a_statement_that_reranks_is_worth_what_it_answers(
    tmp_path: Path, database_18: Database, sidecar: KeyedSidecar
) -> None:
    installed = install(database_18, "http", sidecar.address)
    with database_18.connect() as admin:
        create_passages(admin)
        admin.execute("grant select on passages to app")
    files = {"--sql": tmp_path / "search.sql", "--rerank-sql": tmp_path / "reranked.sql"}
    for file, statement in zip(files.values(), (BIGRAM_SQL, RERANKED), strict=True):
        file.write_text(statement, encoding="utf-8")
    options = [part for name, file in files.items() for part in (name, str(file))]
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
