import pytest

from jrerank.doors.search.body_path import at_path

BODY = {"query": {"bool": {"must": [{"match": {"title.ja": "東京"}}, {"term": {"n": 5}}]}}, "empty": None}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("query.bool.must.0.match.title.ja", "東京"),
        ("query.bool.must.0.match.title.ja.query", "東京"),
        ("query.bool.must.1.term.n", 5),
        ("query.0.bool.must.1.term.n", 5),
        ("query.bool.must.2.match", None),
        ("query.bool.must.-1.term.n", None),
        ("query.bool.must.１.term.n", None),
        ("query.bool.must.99999999999999999999", None),
        ("empty", None),
        ("", None),
    ],
)
def test_a_dotted_path_leads_to_a_value_or_nowhere(path: str, found: object) -> None:
    assert at_path(BODY, path) == found
