"""Names of systems."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.bench.report.names import distinct


@pytest.mark.parametrize(
    ("names", "numbered"),
    [
        ([], []),
        (["a", "b"], ["a", "b"]),
        (["a", "b", "a", "a"], ["a", "b", "a (2)", "a (3)"]),
        (["a", "a (2)", "a"], ["a", "a (2)", "a (3)"]),
        (["a", "a", "a (2)"], ["a", "a (2)", "a (2) (2)"]),
    ],
)
def test_a_name_that_is_there_already_gets_the_next_free_number(
    names: list[str], numbered: list[str]
) -> None:
    assert distinct(names) == numbered


@given(st.lists(st.sampled_from(["a", "a (2)", "a (3)", "a (2) (2)", "b"]), max_size=12))
def test_no_two_are_the_same(names: list[str]) -> None:
    made = distinct(names)
    assert len(set(made)) == len(made) == len(names)
    assert all(new.startswith(old) for old, new in zip(names, made, strict=True))
