from __future__ import annotations

from pathlib import Path

import pytest

from jrerank.bench.quality.live.template import BodyTemplate
from jrerank.errors import InvalidInput


def template(folder: Path, text: str) -> BodyTemplate:
    file = folder / "body.json"
    file.write_text(text)
    return BodyTemplate.read(file)


def test_the_query_and_the_size_go_where_the_template_says(tmp_path: Path) -> None:
    body = template(
        tmp_path, '{"query": {"match": {"text": "{{query}}"}}, "rerank": {"window": "{{size}}"}, "b": [true]}'
    )
    assert body.fill('富士山" }', 30) == {
        "query": {"match": {"text": '富士山" }'}},
        "rerank": {"window": 30},
        "b": [True],
        "size": 30,
    }


def test_a_size_of_its_own_stays(tmp_path: Path) -> None:
    assert template(tmp_path, '{"q": "{{query}}", "size": 5}').fill("x", 30)["size"] == 5


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"query": "fixed"}'])
def test_what_is_no_template_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match=r"body\.json"):
        template(tmp_path, text)
