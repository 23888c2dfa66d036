import functools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jrerank.stores.passage import passage_text
from shared_vectors import Case, cases


@pytest.mark.parametrize("case", cases("passage.json"))
def test_the_shared_vectors(case: Case) -> None:
    assert passage_text(case.input["source"], case.input["passage_fields"]) == case.expected


def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    source = json.loads('{"body": "東京\\ud83dは晴れ", "title": "\\ud83d\\ude00"}')
    assert passage_text(source, ["body", "title"]) == "東京\ufffdは晴れ\n😀"


def nested(value: object, levels: int, wrap: Callable[[object], object]) -> object:
    return functools.reduce(lambda inner, _: wrap(inner), range(levels), value)


def test_a_document_may_be_nested_deeper_than_python_calls_itself() -> None:
    levels = 5_000
    source = {"body": nested(["東京"], levels, lambda inner: [inner, "晴れ"])}
    expected = "\n".join(["東京", *["晴れ"] * levels])
    assert passage_text(source, ["body"]) == expected
    source = {"body": nested("東京", levels, lambda inner: [{"a": inner}, 1])}
    assert passage_text(source, ["body"]) == "1"
    path = ".".join(["body", *["a"] * 19])
    assert passage_text({"body": nested("東京", 19, lambda inner: [[], {"a": inner}])}, [path]) == "東京"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "a.b"]), inner),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(source=st.dictionaries(st.sampled_from(["a", "b", "a.b"]), VALUES))
def test_whatever_a_document_holds_is_text_or_none(source: dict[str, Any]) -> None:
    text = passage_text(source, ["a", "b", "a.b"])
    assert text is None or text.strip()
    if text is not None:
        text.encode()
