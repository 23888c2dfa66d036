import pytest

from jrerank.doors.search.fields import Fields
from jrerank.doors.search.query_text import query_text
from shared_vectors import Case, cases


@pytest.mark.parametrize("case", [*cases("query_text.json"), *cases("named_text.json")])
def test_the_shared_vectors(case: Case) -> None:
    given = case.input
    fields = Fields(tuple(given.get("passage_fields", ())), given.get("types", {}))
    found = query_text(given["body"], given.get("ext_query"), given.get("query_text_path"), fields)
    assert found == case.expected


@pytest.mark.parametrize("query", ["not base64", "W10=", "bm90IGpzb24=", 5])
def test_a_wrapper_that_holds_no_query_says_nothing(query: object) -> None:
    assert query_text({"query": {"wrapper": {"query": query}}}, None, None) is None


def test_queries_within_queries_without_end_say_nothing() -> None:
    query: dict[str, object] = {"match": {"body": "東京"}}
    for _ in range(200):
        query = {"bool": {"must": [query]}}
    assert query_text({"query": query}, None, None) is None
