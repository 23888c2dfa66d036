"""Rows of an index, for `bulk`: in the order of their key, page by page, from any of them on."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bulk_rows import lines, tiny_variables
from integration.opensearch.search import Engine
from jrerank.admin.app import app
from jrerank.admin.bulk.input import Input, opened
from jrerank.bulk.sources.opensearch import OpenSearchSource
from jrerank.bulk.sources.source import Done, Source
from jrerank.errors import InvalidInput, JrerankError, Refused, Unavailable

_NUMBERS = count()
PAGE = (Path(__file__).parents[3] / "docs" / "bulk.md").read_text(encoding="utf-8")
(COMMAND,) = re.findall(r"^jrerank-admin .*--opensearch.*", PAGE, re.MULTILINE)


def document(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "number": number,
        "name": f"q{number:03}",
        "query": f"空{number}",
        "passages": ["晴れ", f"雨{number}", "富士山"],
    }


DOCUMENTS = [document(number) for number in range(40)]
MAPPING = {
    "number": {"type": "long"},
    "name": {"type": "keyword"},
    "query": {"type": "text"},
    "passages": {"type": "text"},
}


@pytest.fixture
def index(engine: Engine) -> Iterator[str]:
    name = f"rows{next(_NUMBERS)}"
    settings = {"number_of_shards": 3, "number_of_replicas": 0}
    engine.put(name, {"settings": {"index": settings}, "mappings": {"properties": MAPPING}})
    engine.bulk(name, DOCUMENTS)
    yield name
    engine.http.delete(name)


def source(engine: Engine, index: str, key: str, where: Path | None = None) -> Source:
    return opened(Input(index, opensearch=str(engine.http.base_url), key=key, where=where))


@pytest.mark.parametrize(("key", "last"), [("number", "24"), ("name", "q024")])
def test_rows_come_in_the_order_of_their_key_from_any_on(
    key: str, last: str, engine: Engine, index: str
) -> None:
    rows = list(source(engine, index, key).rows())
    assert [json.loads(row.text)["number"] for row in rows] == list(range(40))
    assert rows[24].key == last
    assert rows[-1].position == source(engine, index, key).size
    assert list(source(engine, index, key).rows(Done(25, last))) == rows[25:]


def test_a_query_chooses_among_the_documents(engine: Engine, index: str, tmp_path: Path) -> None:
    (tmp_path / "where.json").write_text('{"range": {"number": {"lt": 7}}}')
    chosen = source(engine, index, "number", tmp_path / "where.json")
    assert (chosen.size, len(list(chosen.rows()))) == (7, 7)


@pytest.mark.parametrize(
    ("key", "message"), [("query", "query is text in"), ("nothing", "nothing is no field in")]
)
def test_a_field_that_orders_nothing_is_refused(key: str, message: str, engine: Engine, index: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        source(engine, index, key)


@pytest.mark.parametrize("number", [5, 15], ids=["in a page", "on its end"])
def test_two_documents_with_one_key_are_refused(number: int, engine: Engine, index: str) -> None:
    engine.bulk(index, [document(number) | {"id": "twin"}])
    with pytest.raises(InvalidInput, match="it must tell all rows apart"):
        list(source(engine, index, "number").rows())


def test_a_document_without_a_key_is_refused(engine: Engine, index: str) -> None:
    engine.bulk(index, [{"id": "bare", "query": "空"}])
    with pytest.raises(InvalidInput, match="1 of 41 rows have none"):
        source(engine, index, "number")


def test_documents_that_come_later_are_not_seen_and_those_that_came_before_stop_a_run(
    engine: Engine, index: str
) -> None:
    rows = source(engine, index, "name").rows()
    first = next(rows)
    engine.bulk(index, [document(999) | {"name": "q000b"}])
    assert len([first, *rows]) == 40
    with pytest.raises(InvalidInput, match="rows have come or gone"):
        list(source(engine, index, "name").rows(Done(25, "q024")))


def test_documents_whose_content_is_not_stored_are_an_error_that_names_one(
    engine: Engine, index: str
) -> None:
    name = f"{index}-bare"
    engine.put(name, {"mappings": {"_source": {"enabled": False}, "properties": MAPPING}})
    engine.bulk(name, [document(1)])
    with pytest.raises(
        InvalidInput, match=r"the document of .* with the key 1 comes without _source"
    ) as error:
        list(source(engine, name, "number").rows())
    assert error.value.field == "input"
    engine.http.delete(name)


@pytest.mark.parametrize("error", [Refused("no right"), Unavailable("it is gone")])
def test_all_rows_are_there_also_where_the_point_in_time_stays(
    error: JrerankError, engine: Engine, index: str
) -> None:
    def ask(method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        if method == "DELETE":
            raise error
        return dict(engine.http.request(method, path, json=body).json())

    assert len(list(OpenSearchSource(ask, index, "number").rows())) == 40


def test_a_run_does_not_go_on_in_another_cluster(engine: Engine, index: str) -> None:
    def asked(root: dict[str, Any] | Refused) -> str:
        def ask(method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
            if path != "/":
                return dict(engine.http.request(method, path, json=body).json())
            if isinstance(root, Refused):
                raise root
            return root

        return OpenSearchSource(ask, index, "number").fingerprint

    here = engine.http.get("/").json()
    assert asked(here) == source(engine, index, "number").fingerprint
    assert len({asked(here), asked(here | {"cluster_uuid": "another"}), asked(Refused("no right"))}) == 3


def test_the_command_of_the_page_reranks_an_index_and_goes_on(
    engine: Engine, index: str, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in tiny_variables(tiny_folder).items():
        monkeypatch.setenv(name, value)
    Path("japanese.json").write_text('{"exists": {"field": "query"}}')
    command = COMMAND.replace(" questions ", f" {index} ").replace(
        "https://search.example:9200", str(engine.http.base_url)
    )
    done = CliRunner().invoke(app, shlex.split(command)[1:])
    assert done.exit_code == 0, done.output
    output = Path("reranked.jsonl")
    assert [line["id"] for line in lines(output)] == [one["name"] for one in DOCUMENTS]
    undisturbed = output.read_bytes()
    output.write_bytes(undisturbed[: len(undisturbed) // 2])
    assert CliRunner().invoke(app, shlex.split(command)[1:]).exit_code == 0
    assert output.read_bytes() == undisturbed
