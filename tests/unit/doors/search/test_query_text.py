import pytest

from jrerank.doors.search.query_text import query_text
from shared_vectors import Case, cases


@pytest.mark.parametrize("case", cases("query_text.json"))
def test_the_shared_vectors(case: Case) -> None:
    given = case.input
    assert query_text(given["body"], given.get("ext_query"), given.get("query_text_path")) == case.expected
