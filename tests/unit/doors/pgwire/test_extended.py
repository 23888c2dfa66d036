"""The messages that drivers send for prepared statements and parameters."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.pgwire.extended import (
    Bind,
    Named,
    Parse,
    parameter_description,
    parse_bind,
    parse_execute,
    parse_named,
    parse_parse,
)
from jrerank.doors.pgwire.messages import NotUtf8, ProtocolViolation

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
OIDS = st.lists(st.integers(0, 2**32 - 1), max_size=5)
VALUES = st.lists(st.none() | st.binary(), max_size=5)


def numbers(code: str, values: list[int]) -> bytes:
    return struct.pack(f"!h{len(values)}{code}", len(values), *values)


def bind_body(
    values: list[bytes | None],
    formats: list[int],
    result_formats: list[int],
    portal: str = "",
    name: str = "",
) -> bytes:
    encoded = b"".join(struct.pack("!i", -1 if v is None else len(v)) + (v or b"") for v in values)
    names = portal.encode() + b"\0" + name.encode() + b"\0"
    counted = struct.pack("!h", len(values)) + encoded
    return names + numbers("h", formats) + counted + numbers("h", result_formats)


@given(TEXTS, TEXTS, OIDS)
def test_parse_names_a_text_and_types(name: str, text: str, oids: list[int]) -> None:
    body = name.encode() + b"\0" + text.encode() + b"\0" + numbers("I", oids)
    assert parse_parse(body) == Parse(name, text, tuple(oids))


@given(TEXTS, TEXTS, VALUES)
def test_bind_has_values(portal: str, name: str, values: list[bytes | None]) -> None:
    bind = parse_bind(bind_body(values, [], [], portal, name))
    assert bind == Bind(portal, name, [False] * len(values), values, False)


@pytest.mark.parametrize(
    ("formats", "expected"), [([], [False, False]), ([1], [True, True]), ([0, 1], [False, True])]
)
def test_a_format_is_that_of_all_values_or_each_has_its_own(formats: list[int], expected: list[bool]) -> None:
    assert parse_bind(bind_body([b"1", None], formats, [1])).binary == expected


def test_as_many_formats_as_values_or_one_or_none() -> None:
    with pytest.raises(ProtocolViolation, match="formats"):
        parse_bind(bind_body([b"1"], [0, 1], []))


def test_a_result_may_be_wanted_in_binary() -> None:
    assert parse_bind(bind_body([], [], [1])).binary_result
    assert not parse_bind(bind_body([], [], [0])).binary_result


def test_a_statement_or_a_portal_is_named() -> None:
    assert parse_named(b"Sone\0") == Named(portal=False, name="one")
    assert parse_named(b"P\0") == Named(portal=True, name="")
    for broken in (b"", b"X\0", b"Sone", b"Sone\0more"):
        with pytest.raises(ProtocolViolation):
            parse_named(broken)


def test_execute_names_a_portal() -> None:
    assert parse_execute(b"one\0" + struct.pack("!i", 0)) == "one"
    with pytest.raises(ProtocolViolation):
        parse_execute(b"one\0\0\0\0")


def test_the_types_of_parameters_are_told() -> None:
    assert parameter_description((25,)) == b"t\0\0\0\x0a\0\1\0\0\0\x19"


@pytest.mark.parametrize("cut", range(1, 12))
def test_half_a_message_is_refused(cut: int) -> None:
    whole = bind_body([b"value", None], [0, 1], [0], "p", "s")
    with pytest.raises(ProtocolViolation):
        parse_bind(whole[:-cut])


@given(st.binary(), st.sampled_from([parse_parse, parse_bind, parse_named, parse_execute]))
def test_any_body_is_understood_or_refused(body: bytes, parse: Callable[[bytes], object]) -> None:
    with contextlib.suppress(ProtocolViolation, NotUtf8):
        parse(body)
