"""`jrerank.bigrams` makes the tokens that `jrerank-admin postgres index` makes."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.postgres.servers import PostgresServer
from jrerank.evaluation.bigrams import bigrams
from jrerank.evaluation.dataset import load_dataset

# What has no meaning yet differs between versions of Unicode
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cn", "Co", "Cc"], max_codepoint=0x1FFFF), max_size=20
)


def test_they_are_the_same_of_japanese_and_of_anything_else(
    postgres15: PostgresServer, postgres18: PostgresServer
) -> None:
    passages = list(load_dataset().passages.values())[:100]
    for server in (postgres15, postgres18):
        with server.connect() as admin:
            admin.execute("CREATE EXTENSION jrerank")
            try:

                def in_sql(text: str) -> list[str]:
                    row = admin.execute("SELECT jrerank.bigrams(%s)", [text]).fetchone()
                    assert row is not None
                    return str(row[0]).split()

                for passage in passages:
                    assert in_sql(passage) == bigrams(passage)

                @settings(
                    max_examples=200,
                    deadline=None,
                    suppress_health_check=[HealthCheck.function_scoped_fixture],
                )
                @given(TEXTS)
                def holds(text: str) -> None:
                    if "İ" not in text:  # in Python it becomes two characters
                        assert in_sql(text) == bigrams(text)

                holds()
            finally:
                admin.execute("DROP EXTENSION jrerank")
