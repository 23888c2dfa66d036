"""The demo in PostgreSQL: questions asked with `jrerank.rerank_hits(...)`, and once more over HTTP, which has to agree."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from jrerank.admin.demo.asking import Asking
from jrerank.admin.demo.comparison import Answered, Sidecar
from jrerank.admin.demo.first_stage import SEARCH, FirstStage, embedded_first_stage, search_parameters
from jrerank.admin.demo.sidecar import running_sidecar
from jrerank.admin.postgres.choices import Form
from jrerank.admin.postgres.offers import read_offers
from jrerank.admin.postgres.search_statements import KEEP_STATUS
from jrerank.admin.postgres.searching import why_incomplete
from jrerank.admin.postgres.setting_up import Wish, carry_out, plan
from jrerank.admin.postgres.sidecar_address import read_address
from jrerank.errors import JrerankError

if TYPE_CHECKING:
    from jrerank.admin.postgres.connection import Connection
    from jrerank.evaluation.dataset import Dataset, Question

TIMEOUT_MS = 60_000
_SEARCH_AND_RERANK = f"""
select id, first_rank
from jrerank.rerank_hits(
    %(query)s,
    (select jrerank.hits(jrerank.hit(id, passage, score)) from ({SEARCH}) found),
    timeout_ms => %(timeout_ms)s::int, fusion => %(fusion)s::jsonb
)
order by rank
"""  # noqa: S608  both are statements of our own


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions as SQL answered them, and how many of them HTTP answered otherwise."""

    answered: list[Answered]
    different: int


def run(dataset: Dataset, asking: Asking, model: str, precision: str, window: int, weight: float) -> Asked:
    """Ask both ways.

    Raises:
        ConfigurationError: the sidecar did not start.
        JrerankError: a question was not reranked.
    """
    import httpx

    with (
        embedded_first_stage(dataset.passages) as first_stage,
        running_sidecar(model, precision) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        set_up(first_stage.connection, url)
        both = [
            _ask(question, first_stage, Sidecar(client), window, weight) for question in asking.of(dataset)
        ]
    return Asked([in_sql for in_sql, _ in both], sum(not same for _, same in both))


def set_up(connection: Connection, url: str) -> None:
    """As `jrerank-admin postgres setup` does, by the plain script: the server of the demo is not ours to put files into."""
    wish = Wish(read_address(url, None, None, None), None, (), form=Form.SCRIPT)
    connection.execute(KEEP_STATUS)
    carry_out(connection, plan(read_offers(connection), None, wish).steps, lambda _: None)


def check_outcome(connection: Connection) -> None:
    """Of the last call.

    Raises:
        JrerankError: not every hit was reranked.
    """
    why = why_incomplete(connection)
    if why is not None:
        raise JrerankError(f"PostgreSQL could not rerank all hits: {why}")


def _ask(
    question: Question, first_stage: FirstStage, sidecar: Sidecar, window: int, weight: float
) -> tuple[Answered, bool]:
    """In SQL; and whether HTTP gives the same three orders for it."""
    started = time.perf_counter()
    candidates = first_stage.search(question.text, window)
    searched = time.perf_counter()
    first, reranked = _in_sql(first_stage, question.text, window, None)
    answered = time.perf_counter()
    _, fused = _in_sql(first_stage, question.text, window, {"method": "linear", "weight": weight})
    over_http = (
        tuple(candidate.id for candidate in candidates),
        sidecar.rerank(question.text, candidates),
        sidecar.rerank(question.text, candidates, weight),
    )
    one = Answered(question, first, reranked, fused, searched - started, answered - searched)
    return one, (first, reranked, fused) == over_http


def _in_sql(
    first_stage: FirstStage, query: str, window: int, fusion: dict[str, object] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids in the order of the first stage, and in their new order."""
    more = {
        "query": query,
        "timeout_ms": TIMEOUT_MS,
        "fusion": None if fusion is None else Jsonb(fusion),
    }
    connection = first_stage.connection
    rows = connection.execute(_SEARCH_AND_RERANK, search_parameters(query, window) | more).fetchall()
    check_outcome(connection)
    by_first_rank = sorted(rows, key=lambda row: row[1])
    return tuple(str(row[0]) for row in by_first_rank), tuple(str(row[0]) for row in rows)
