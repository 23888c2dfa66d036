from typing import Any

import pytest
from pydantic import ValidationError

from jrerank.doors.search.options import SearchBody
from jrerank.doors.search.url_parameters import SearchParameters, flag


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"size": "3", "from": "2"}, {"size": 3, "from": 2}),
        ({"q": "title:富士山", "df": "body", "default_operator": "AND"}, {
            "query": {"query_string": {"query": "title:富士山", "default_field": "body", "default_operator": "AND"}}
        }),
        ({"sort": "date:desc,_score,a:b"}, {"sort": [{"date": {"order": "desc"}}, "_score", "a:b"]}),
        ({"_source": "false"}, {"_source": False}),
        ({"_source": "title,body"}, {"_source": {"includes": ["title", "body"]}}),
        ({"_source_includes": "a", "_source_excludes": "b"}, {"_source": {"includes": ["a"], "excludes": ["b"]}}),
        ({"stored_fields": "_none_"}, {"stored_fields": ["_none_"]}),
    ],
)  # fmt: skip
def test_what_goes_into_the_body_in_place_of_what_stands_there(parameters: Any, expected: Any) -> None:
    read = SearchParameters.model_validate(parameters)
    assert read.for_engine() == {}
    body = SearchBody.model_validate({"query": {"match_all": {}}, "size": 50, "track_scores": True})
    assert body.with_parameters(read).for_engine() == {
        "query": {"match_all": {}}, "size": 50, "track_scores": True, **expected
    }  # fmt: skip


def test_what_stays_in_the_url() -> None:
    read = SearchParameters.model_validate(
        {"routing": "a", "explain": "", "filter_path": "hits", "pretty": ""}
    )
    assert read.for_engine() == {"routing": "a", "explain": ""}
    assert read.for_body() == {}
    assert flag(read.pretty)
    assert not flag("no")


@pytest.mark.parametrize("parameters", [{"size": "x"}, {"from": "-1"}, {"bogus": "1"}])
def test_what_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SearchParameters.model_validate(parameters)
