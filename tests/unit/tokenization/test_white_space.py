"""What a tokenizer does not read is found by trying it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_tokenizers import KINDS, text_tokenizer


def test_a_tokenizer_that_keeps_every_space_has_none_left_out() -> None:
    white_space = text_tokenizer("byte_level_bpe").white_space
    assert not white_space.leading
    assert not white_space.trailing
    assert white_space.squeeze("a" + " " * 100) == "a" + " " * 100


def test_lines_are_kept_where_the_tokenizer_reads_them() -> None:
    white_space = text_tokenizer("modernbert_unigram").white_space
    assert "\n" in white_space.leading
    assert "\n" not in white_space.collapsing
    assert white_space.squeeze("a" + "\u3000 " * 50 + "b" + "\n" * 50) == "a b" + "\n" * 50


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=50, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(["山", "abc", "。", "\n", " ", "\u3000", " " * 30, "\u3000\t " * 9, "\xa0" * 6])
    )
)
def test_squeezing_changes_no_token(kind: str, parts: list[str]) -> None:
    tokenizer, text = text_tokenizer(kind), "".join(parts)
    white_space = tokenizer.white_space
    squeezed = white_space.squeeze(text.lstrip(white_space.leading).rstrip(white_space.trailing))
    assert tokenizer.ids([squeezed]) == tokenizer.ids([text])
