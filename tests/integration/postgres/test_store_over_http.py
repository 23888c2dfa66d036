"""Hits without texts: the sidecar fetches them itself, and the answer is the one for hits with texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from jrerank.admin.demo.embedded_postgres import embedded_postgres
from jrerank.evaluation.dataset import load_dataset
from sidecars import RunningSidecar, running_sidecar

pytestmark = pytest.mark.filterwarnings("ignore:.*XDG_RUNTIME_DIR")
PASSAGES = dict(list(load_dataset().passages.items())[:20])
QUERY = "東大寺の仏像"
SLOW = "select id, text from passages where id = any(%(ids)s) and pg_sleep(30) is not null"


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with embedded_postgres() as uri:
        with psycopg.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute("create table passages (id text primary key, text text not null)")
            cursor.executemany("insert into passages values (%s, %s)", PASSAGES.items())
        yield uri


@pytest.fixture(scope="module")
def sidecar(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSidecar]:
    folder: Path = tmp_path_factory.mktemp("sidecar")
    (folder / "dsn").write_text(dsn)
    stores = {
        "passages": {"kind": "postgres", "dsn_file": str(folder / "dsn"), "table": "passages"},
        "slow": {"kind": "postgres", "dsn": dsn, "query": SLOW},
        "down": {"kind": "postgres", "dsn": "postgresql://me:secret@127.0.0.1:1/x", "table": "passages"},
    }
    with running_sidecar(folder, stores=json.dumps(stores)) as running:
        yield running


def ask(sidecar: RunningSidecar, hits: list[dict[str, Any]], **body: Any) -> dict[str, Any]:
    answer = httpx.post(f"{sidecar.url}/v1/hits", json={"query": QUERY, "hits": hits, **body}, timeout=60)
    answer.raise_for_status()
    content: dict[str, Any] = answer.json()
    return content


def ids(answer: dict[str, Any]) -> list[str]:
    return [hit["id"] for hit in answer["hits"]]


def test_ids_alone_give_the_order_that_texts_give(sidecar: RunningSidecar) -> None:
    by_store = ask(sidecar, [{"id": id} for id in PASSAGES], store="passages")
    by_text = ask(sidecar, [{"id": id, "text": text} for id, text in PASSAGES.items()])
    assert by_store["outcome"] == "complete"
    assert by_store["hits"] == by_text["hits"]
    assert "text" not in by_store["hits"][0]


def test_a_missing_passage_is_named_and_its_hit_comes_last(sidecar: RunningSidecar) -> None:
    answer = ask(sidecar, [{"id": "nowhere"}, *({"id": id} for id in PASSAGES)], store="passages")
    assert (answer["outcome"], answer["reason"]) == ("partial", "missing_passages")
    assert answer["missing"] == ["nowhere"]
    assert ids(answer)[-1] == "nowhere"


@pytest.mark.parametrize(("store", "reason"), [("slow", "store_timeout"), ("down", "store_error")])
def test_a_database_that_fails_costs_the_new_order_never_a_hit(
    store: str, reason: str, sidecar: RunningSidecar
) -> None:
    answer = ask(sidecar, [{"id": id} for id in PASSAGES], store=store, timeout_ms=4000)
    assert (answer["outcome"], answer["reason"]) == ("passthrough", reason)
    assert ids(answer) == list(PASSAGES)
    assert answer["took_ms"] < 4000


def test_ready_tells_of_each_store_and_of_no_password(sidecar: RunningSidecar) -> None:
    answer = httpx.get(f"{sidecar.url}/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    stores = answer.json()["stores"]
    assert stores["passages"] == "ok"
    assert stores["down"] != "ok"
    assert "secret" not in answer.text + sidecar.log.read_text()
