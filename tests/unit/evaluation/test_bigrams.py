"""Japanese for a full-text search that splits at spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jrerank.evaluation.bigrams import bigrams


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("富士山", ["富士", "士山"]),
        ("山", ["山"]),
        ("富士山、高さ", ["富士", "士山", "高さ"]),
        ("ＡＢＣ １", ["ab", "bc", "1"]),
        ("ｶﾞｽ", ["ガス"]),
        ("snake_case", ["sn", "na", "ak", "ke", "ca", "as", "se"]),
        ("、 。", []),
        ("", []),
    ],
)
def test_neighbouring_letters_and_digits_are_tokens(text: str, tokens: list[str]) -> None:
    assert bigrams(text) == tokens


@given(st.text())
def test_no_token_is_empty_or_holds_a_space(text: str) -> None:
    assert all(token and not any(letter.isspace() for letter in token) for token in bigrams(text))


@given(st.text(alphabet="富士山の高さ、 ", max_size=20), st.text(alphabet="富士山の高さ、 ", max_size=20))
def test_texts_apart_have_the_tokens_of_both(one: str, other: str) -> None:
    assert bigrams(f"{one}。{other}") == bigrams(one) + bigrams(other)
