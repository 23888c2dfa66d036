"""A request that comes in parts, and the memory it counts for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.doors.pgwire.parts import Parts
from jrerank.doors.service import Service
from jrerank.errors import InputTooLong, Overloaded


@pytest.fixture
def small(service: Service) -> Service:
    return replace(service, limits=replace(service.limits, body_bytes=100, open_body_bytes=150))


def test_text_comes_out_as_it_went_in(service: Service) -> None:
    @given(st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.integers(0, 100)))
    def joined(text: str, cuts: list[int]) -> None:
        parts, edges = Parts(service), sorted({0, *(min(cut, len(text)) for cut in cuts), len(text)})
        *first, last = [text[a:b] for a, b in zip(edges, [*edges[1:], None], strict=True)]
        for part in first:
            parts.add(part)
        assert parts.joined(last) == text.encode()

    joined()


def test_parts_together_are_no_longer_than_a_request(small: Service) -> None:
    parts = Parts(small)
    parts.add("富" * 33)
    with pytest.raises(InputTooLong, match="100 bytes"):
        parts.add("富")


def test_parts_count_among_the_open_bodies_until_they_are_forgotten(small: Service) -> None:
    first, second = Parts(small), Parts(small)
    first.add("a" * 100)
    with pytest.raises(Overloaded):
        second.add("a" * 51)
    first.forget()
    second.add("a" * 51)
