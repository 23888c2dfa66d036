"""Ids as callers write them, and as a column has them."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.stores.postgres.ids import IdType, by_key


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), unique=True))
def test_text_is_its_own_key(ids: list[str]) -> None:
    assert by_key(ids, "text") == {id: [id] for id in ids}


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_fit_a_bigint(number: int) -> None:
    assert by_key([str(number)], "bigint") == {str(number): [str(number)]}


@given(st.uuids())
def test_a_uuid_may_be_written_in_every_way(one: uuid.UUID) -> None:
    ways = [str(one), str(one).upper(), one.hex, f"{{{one}}}"]
    assert by_key(ways, "uuid") == {str(one): ways}


def test_several_ways_to_write_a_number_are_one_key() -> None:
    assert by_key(["7", "007", "+7", "-0"], "bigint") == {"7": ["7", "007", "+7"], "0": ["-0"]}


@pytest.mark.parametrize(
    ("id_type", "id"),
    [
        ("text", "a\0b"),
        ("text", "\ud800"),
        ("integer", str(2**31)),
        ("bigint", str(2**63)),
        ("bigint", "9" * 5000),
        ("bigint", "1_000"),
        ("bigint", " 1"),
        ("bigint", "１"),
        ("bigint", "1; drop table docs"),
        ("bigint", ""),
        ("uuid", "not-a-uuid"),
        ("uuid", "' or true --"),
    ],
)
def test_what_the_type_cannot_hold_is_left_out(id_type: IdType, id: str) -> None:
    assert by_key([id], id_type) == {}
