"""What texts are before they are tokenized."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import normalizers
from tokenizers.normalizers import Normalizer

from jrerank.tokenization.normalization import is_well_known, quick_normalizer
from tiny_tokenizers import corpus, modernbert_unigram

NORMALIZER = modernbert_unigram().normalizer
QUICK = quick_normalizer(json.loads(modernbert_unigram().to_str())["normalizer"])
EVERYDAY = "あかがゞ\u3099\u309aアヴｶﾞﾊﾟ日本語、。「」（）！？ＡＢ１２①㍻㌖ﬁé\u3000 \n\tabc12°½“”…―～〜"


def content_of(normalizer: Normalizer) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(normalizer.__getstate__())
    return content


@given(
    st.text(
        st.sampled_from(EVERYDAY) | st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]),
        max_size=40,
    )
)
def test_quick_is_what_the_tokenizer_does(text: str) -> None:
    assert QUICK is not None
    if is_well_known(text):
        assert QUICK(text) == NORMALIZER.normalize_str(text)


def test_everyday_japanese_is_well_known() -> None:
    assert all(map(is_well_known, corpus()[:100]))
    assert is_well_known("（株）ＡＢＣの売上は１２％増、㌔単位で！？")


@pytest.mark.parametrize(
    "character", ["\0", "\x1c", "\x85", "\u200b", "\ufeff", "\ud800", "\U0001ccd6", "\u0dcf", "😀"]
)
def test_what_versions_of_unicode_may_differ_on_is_not(character: str) -> None:
    assert not is_well_known("山" + character)


@pytest.mark.parametrize(
    "normalizer",
    [
        normalizers.BertNormalizer(),
        normalizers.Lowercase(),
        normalizers.Sequence([normalizers.NFKC(), normalizers.StripAccents()]),
        normalizers.Replace("a", "b"),
        normalizers.Strip(left=True, right=False),
    ],
)
def test_other_normalizers_are_left_to_the_tokenizer(normalizer: Normalizer) -> None:
    assert quick_normalizer(content_of(normalizer)) is None


def test_no_normalizer_changes_nothing() -> None:
    quick = quick_normalizer(None)
    assert quick is not None
    assert quick("Ａ  ") == "Ａ  "
