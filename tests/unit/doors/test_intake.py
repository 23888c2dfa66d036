"""What a door has read as a request: the only place where limits, deadline and caller come together."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.domain import Candidate, Fusion, RerankRequest
from jrerank.doors.intake import Caller, Fields, Intake, Limits, Options, scoring_deadline
from jrerank.errors import InputTooLong, InvalidInput

LIMITS = Limits(body_bytes=1000, documents=3, query_chars=5, passage_chars=4)
INTAKE = Intake(LIMITS, timeout_ms=1000)
CALLER = Caller("key-1", arrival=50.0)
CANDIDATES = [Candidate("a", "晴れ", 2.0), Candidate("b")]


def test_everything_arrives() -> None:
    fusion = Fusion("rrf")
    options = Options(
        top_n=1, timeout_ms=300, fusion=fusion, store="docs", max_tokens_per_doc=9, truncation="left"
    )
    assert INTAKE.request(CALLER, "空", CANDIDATES, options) == RerankRequest(
        query="空",
        candidates=tuple(CANDIDATES),
        top_n=1,
        deadline=scoring_deadline(50.0, 300, 2),
        fusion=fusion,
        store="docs",
        max_tokens_per_doc=9,
        truncation="left",
        caller="key-1",
    )


@pytest.mark.parametrize(
    ("named", "patience", "timeout_ms"),
    [
        (None, math.inf, 1000),
        (300, math.inf, 300),
        (60_000, math.inf, 60_000),
        (None, 250, 250),
        (300, 250, 250),
        (300, 5000, 300),
    ],
)
def test_the_request_names_its_time_and_the_caller_waits_no_longer(
    named: float | None, patience: float, timeout_ms: float
) -> None:
    request = INTAKE.request(Caller("", 50.0, patience), "空", CANDIDATES, Options(timeout_ms=named))
    assert request.deadline == scoring_deadline(50.0, timeout_ms, 2)


def test_queries_that_are_answered_together_have_one_deadline_and_one_limit() -> None:
    queries = [("空", CANDIDATES[:1]), ("海", CANDIDATES)]
    first, second = INTAKE.requests(CALLER, queries)
    assert first.deadline == second.deadline == scoring_deadline(50.0, 1000, 3)
    with pytest.raises(InputTooLong, match="4 entries"):
        INTAKE.requests(CALLER, [*queries, ("山", CANDIDATES[:1])])


TOO_LONG: dict[str, tuple[str, list[Candidate]]] = {
    "text_1": ("六文字である", []),
    "text_2": ("空", [Candidate("a")] * 4),
    "text_2.1": ("空", [Candidate("a"), Candidate("b", "五文字です")]),
}


@pytest.mark.parametrize("field", TOO_LONG)
def test_a_limit_is_told_in_the_callers_words(field: str) -> None:
    query, candidates = TOO_LONG[field]
    with pytest.raises(InputTooLong) as caught:
        INTAKE.request(CALLER, query, candidates, fields=Fields("text_1", "text_2"))
    assert caught.value.field == field
    assert field in str(caught.value)


@pytest.mark.parametrize(("field", "name"), [("query", "text_1"), ("passages.3", "text_2.3")])
def test_an_error_of_the_rerankers_is_told_in_the_callers_words_too(field: str, name: str) -> None:
    error = Fields("text_1", "text_2").renamed(InputTooLong("too long", field=field))
    assert (error.field, str(error)) == (name, f"{name}: too long")


def test_documents_that_the_caller_has_not_sent_are_not_the_callers_to_shorten() -> None:
    long = [Candidate("a", "五文字です")]
    assert INTAKE.request(CALLER, "空", long, fields=Fields(passages=None)).candidates == tuple(long)


@pytest.mark.parametrize(("passages", "field"), [("hits", "hits.1.score"), (None, None)])
def test_linear_fusion_needs_every_score(passages: str | None, field: str | None) -> None:
    linear = Options(fusion=Fusion("linear"))
    with pytest.raises(InvalidInput, match="hit 'b' has no score") as caught:
        INTAKE.request(CALLER, "空", CANDIDATES, linear, Fields(passages=passages))
    assert caught.value.field == field


def test_what_is_within_the_limits_passes() -> None:
    LIMITS.check_query("12345")
    LIMITS.check_passages(["1234", None, ""], "texts")


def test_a_long_query_is_refused_by_the_doors_own_name_for_it() -> None:
    with pytest.raises(InputTooLong, match="text_1 has 6 characters; at most 5") as caught:
        LIMITS.check_query("123456", "text_1")
    assert caught.value.field == "text_1"


def test_too_many_passages_are_refused_before_any_is_looked_at() -> None:
    with pytest.raises(InputTooLong, match="hits has 4 entries; at most 3"):
        LIMITS.check_passages(["12345"] * 4, "hits")


@given(st.lists(st.one_of(st.none(), st.text(max_size=8)), max_size=3))
def test_the_first_long_passage_is_named(passages: list[str | None]) -> None:
    long = [index for index, passage in enumerate(passages) if passage is not None and len(passage) > 4]
    if not long:
        LIMITS.check_passages(passages, "hits")
        return
    with pytest.raises(InputTooLong) as caught:
        LIMITS.check_passages(passages, "hits")
    assert caught.value.field == f"hits.{long[0]}"


@pytest.mark.parametrize(
    ("timeout_ms", "documents", "stops_after_ms"),
    [(300, 20, 284.6), (300, 1000, 265), (30_000, 100, 29_978), (2, 1, 1)],
)
def test_some_time_is_kept_for_the_answer(timeout_ms: float, documents: int, stops_after_ms: float) -> None:
    assert (scoring_deadline(5.0, timeout_ms, documents) - 5.0) * 1000 == pytest.approx(stops_after_ms)


@given(st.integers(1, 86_400_000), st.integers(0, 10_000))
def test_at_least_half_of_the_time_is_for_scoring(timeout_ms: int, documents: int) -> None:
    spent = scoring_deadline(0.0, timeout_ms, documents)
    assert timeout_ms / 2000 <= spent <= timeout_ms / 1000
