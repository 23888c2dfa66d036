"""Bodies in the words of their dialects."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.domain import Candidate
from jrerank.doors.http.dialects.dialect import Dialect
from jrerank.doors.http.dialects.read import Asked, read
from jrerank.doors.http.dialects.table import DASHSCOPE, DOCUMENTS, NIM, SCORE, TEI
from jrerank.doors.intake import Fields, Options
from jrerank.errors import InvalidInput

BODY: dict[str, Any] = {"query": "空", "documents": ["晴れ"]}
SCORE_NAMES = [("text_1", "text_2"), ("queries", "documents"), ("queries", "items"), ("data_1", "data_2")]
TEXTS = st.lists(st.text(max_size=3), max_size=5)


def asked(dialect: Dialect = DOCUMENTS, **body: Any) -> Asked:
    return read(dialect, body, model_tokens=512)


def options(dialect: Dialect = DOCUMENTS, **body: Any) -> Options:
    documents = dialect.request["documents"][0]
    return asked(dialect, **{"query": "空", documents: ["晴れ"]} | body).options


def test_a_request_is_a_query_and_its_documents_by_their_places() -> None:
    found = asked(query="空", documents=["晴れ", {"text": "雨"}])
    assert found.queries == (("空", (Candidate("0", "晴れ"), Candidate("1", "雨"))),)
    assert found.documents == ("晴れ", {"text": "雨"})


@pytest.mark.parametrize(
    ("body", "top_n"),
    [
        ({"top_n": 3}, 3),
        ({"top_k": 2}, 2),
        ({"top_n": None, "top_k": 2}, 2),
        ({"top_n": 0}, None),
        ({}, None),
    ],
)
def test_a_part_may_have_several_names_and_null_is_none_of_them(
    body: dict[str, Any], top_n: int | None
) -> None:
    assert options(**body).top_n == top_n


@pytest.mark.parametrize(
    ("dialect", "body", "truncation"),
    [
        (DOCUMENTS, {}, "right"),
        (DOCUMENTS, {"truncation": False}, "refuse"),
        (DOCUMENTS, {"truncation_side": "left"}, "left"),
        (TEI, {"truncate": True}, "right"),
        (TEI, {"truncation_direction": "Left"}, "left"),
        (TEI, {"truncation_direction": None}, "right"),
        (TEI, {"truncate": False, "truncation_direction": "left"}, "refuse"),
        (NIM, {"truncate": "NONE"}, "refuse"),
        (NIM, {"truncate": "END"}, "right"),
    ],
)
def test_how_a_long_text_is_cut(dialect: Dialect, body: dict[str, Any], truncation: str) -> None:
    assert options(dialect, **body).truncation == truncation


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"max_tokens_per_doc": 100}, 100),
        ({"max_chunks_per_doc": 3}, 3 * 512),
        ({"max_chunks_per_doc": 3, "max_tokens_per_doc": 100}, 100),
        ({"truncate_prompt_tokens": -1}, None),
        ({"truncate_prompt_tokens": 512}, None),
    ],
)
def test_how_much_of_a_document_is_read(body: dict[str, Any], tokens: int | None) -> None:
    assert options(**body).max_tokens_per_doc == tokens


@pytest.mark.parametrize(
    ("body", "raw"),
    [
        ({}, False),
        ({"raw_scores": True}, True),
        ({"use_activation": False}, True),
        ({"raw_scores": None}, False),
    ],
)
def test_which_scores_are_meant(body: dict[str, Any], raw: bool) -> None:
    assert asked(**BODY, **body).raw is raw


REFUSED: dict[str, dict[str, Any]] = {
    "truncate_prompt_tokens": {"truncate_prompt_tokens": 100},
    "max_tokens_per_query": {"max_tokens_per_query": 10},
    "instruction": {"instruction": "prefer news"},
    "return_embeddings": {"return_embeddings": True},
    "top_n": {"top_n": -1},
    "return_documents": {"return_documents": "perhaps"},
    "timeout_ms": {"timeout_ms": 0},
    "rank_fields.0": {"rank_fields": [1]},
    "documents.1": {"documents": ["a", []]},
    "documents": {"documents": None},
    "query": {"query": None},
}


@pytest.mark.parametrize("field", REFUSED)
def test_what_cannot_be_obeyed_is_refused_by_its_name(field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        asked(**BODY | REFUSED[field])
    assert caught.value.field == field
    assert field in str(caught.value)


def test_a_name_may_lead_into_an_object() -> None:
    found = asked(DASHSCOPE, input={"query": "空", "documents": ["晴れ"]}, parameters={"top_n": 1})
    assert (found.options.top_n, found.fields) == (1, Fields("input.query", "input.documents"))
    with pytest.raises(InvalidInput, match=r"input\.query: Field required"):
        asked(DASHSCOPE, input="空")


@pytest.mark.parametrize(
    ("first", "second", "pairs"),
    [
        ("a", "b", {"a": ["b"]}),
        ("a", ["b", "c"], {"a": ["b", "c"]}),
        (["a"], ["b", "c"], {"a": ["b", "c"]}),
        (["a", "b", "a"], ["c", "d", "e"], {"a": ["c", "e"], "b": ["d"]}),
        ([], [], {}),
        ("a", [], {}),
    ],
)
@pytest.mark.parametrize("names", SCORE_NAMES)
def test_which_texts_belong_together(
    first: Any, second: Any, pairs: dict[str, list[str]], names: tuple[str, str]
) -> None:
    found = asked(SCORE, **dict(zip(names, (first, second), strict=True)))
    assert {query: [one.passage for one in group] for query, group in found.queries} == pairs


@given(TEXTS, TEXTS)
def test_other_numbers_of_texts_are_refused(first: list[str], second: list[str]) -> None:
    body = {"text_1": first, "text_2": second}
    if len(first) in {1, len(second)}:
        places = [int(one.id) for _, group in asked(SCORE, **body).queries for one in group]
        assert sorted(places) == list(range(len(second)))
    else:
        with pytest.raises(InvalidInput, match=f"text_1 has {len(first)} texts and text_2 {len(second)}"):
            asked(SCORE, **body)
