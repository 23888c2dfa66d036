"""Rows in the shape of `/v1/hits`, and what is said of those that aren't."""

from __future__ import annotations

import json

import pytest

from jrerank.bulk.rows import read_row
from jrerank.bulk.sources.source import SourceRow
from jrerank.domain import Candidate, Fusion, RerankRequest
from jrerank.doors.intake import Intake, Limits
from jrerank.errors import InvalidInput

INTAKE = Intake(
    Limits(body_bytes=10**6, open_body_bytes=10**6, documents=3, query_chars=10, passage_chars=100), 1000
)


def row(content: object, store: str | None = None) -> RerankRequest | InvalidInput:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_row(SourceRow(7, text, 0), INTAKE, store).request


def request(content: object, store: str | None = None) -> RerankRequest:
    made = row(content, store)
    assert isinstance(made, RerankRequest)
    return made


@pytest.mark.parametrize(
    "fields",
    [
        {"passages": ["晴れ", "雨"]},
        {"passages": [{"id": "0", "text": "晴れ"}, {"id": "1", "text": "雨"}]},
        {"hits": [{"id": "0", "text": "晴れ"}, {"id": "1", "text": "雨"}]},
        {"passages": ["晴れ", "雨"], "hits": None},
        {"passages": None, "hits": [{"id": "0", "text": "晴れ"}, {"id": "1", "text": "雨"}]},
    ],
    ids=["texts", "passages", "hits", "hits null", "passages null"],
)
def test_passages_are_texts_or_have_ids(fields: dict[str, object]) -> None:
    made = request({"query": "空", **fields})
    assert made.candidates == (Candidate("0", "晴れ"), Candidate("1", "雨"))


def test_a_row_has_all_the_options_of_a_request() -> None:
    hits = [{"id": "a", "text": "x", "score": 1.5}]
    made = request({"query": "q", "hits": hits, "fusion": {"method": "linear"}, "max_tokens_per_doc": 9})
    assert made.fusion == Fusion("linear")
    assert made.max_tokens_per_doc == 9


def test_null_is_as_good_as_left_out() -> None:
    """Parquet has every column in every row."""
    made = request({"query": "q", "hits": [{"id": "a", "text": None, "score": None}], "fusion": None}, "docs")
    assert (made.candidates[0].passage, made.store) == (None, "docs")


def test_a_rows_own_store_comes_first() -> None:
    content = {"query": "q", "hits": [{"id": "a"}], "store": "mine"}
    assert request(content, "docs").store == "mine"


@pytest.mark.parametrize(("content", "id"), [({"id": "x"}, "x"), ({"id": 0}, "0"), ({}, "7"), (b"{", "7")])
def test_a_row_without_an_id_is_known_by_its_number(content: object, id: str) -> None:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    assert read_row(SourceRow(7, text, 0), INTAKE).id == id


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"nonsense", "it is not JSON"),
        ([1], "not a JSON object"),
        ({"hits": []}, "query: Field required"),
        ({"query": "q", "passages": "x"}, "hits: Input should be a valid list"),
        ({"query": "q", "hits": [{"text": "x"}]}, "hits.0.id: Field required"),
        ({"query": "q", "passages": ["x"] * 4}, "3"),
        ({"query": "q", "passages": ["x"], "hits": []}, "passages and hits are two ways to say the same"),
        ({"query": "q", "passages": None, "hits": None}, "hits: Field required"),
        ({"query": "q" * 11, "passages": []}, "10"),
    ],
)
def test_what_is_wrong_with_a_row_is_named(content: object, message: str) -> None:
    error = row(content)
    assert isinstance(error, InvalidInput)
    assert message in str(error)


def test_the_key_of_a_source_comes_before_a_rows_own_id() -> None:
    source = SourceRow(7, b'{"id": "x", "query": "q", "passages": []}', 0, key="12")
    assert read_row(source, INTAKE).id == "12"
    for text in (source.text, b"{"):
        assert read_row(SourceRow(7, text, 0, key=""), INTAKE).id == ""


def test_what_could_not_be_read_makes_a_row_wrong() -> None:
    text = b'{"id": "x", "query": "q"}'
    read = read_row(SourceRow(7, text, 0, "row 7 of in.parquet", wrong="passages: it is not UTF-8"), INTAKE)
    assert (read.id, str(read.request)) == ("x", "row 7 of in.parquet: passages: it is not UTF-8")


def test_the_place_of_a_wrong_row_is_said() -> None:
    error = read_row(SourceRow(7, b'{"query": "q"}', 0, "line 9 of in.jsonl"), INTAKE).request
    assert str(error) == "line 9 of in.jsonl: hits: Field required"
