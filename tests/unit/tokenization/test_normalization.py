"""What texts are before they are tokenized."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, normalizers
from tokenizers.normalizers import Normalizer

from jrerank.models.source import BUNDLED
from jrerank.tokenization.normalization import QuickNormalizer, quick_normalizer
from tiny_tokenizers import corpus, modernbert_unigram

EVERYDAY = "あかがゞ\u3099\u309aアヴｶﾞﾊﾟ日本語、。「」（）！？ＡＢ１２①㍻㌖ﬁé\u3000 \n\tabc12°½“”…―～〜"


def content_of(normalizer: Normalizer) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(normalizer.__getstate__())
    return content


def both(tokenizer: Tokenizer) -> tuple[Normalizer, QuickNormalizer]:
    quick = quick_normalizer(json.loads(tokenizer.to_str())["normalizer"])
    assert quick is not None
    return tokenizer.normalizer, quick


NFKC, QUICK_NFKC = both(modernbert_unigram())
PRECOMPILED, QUICK_PRECOMPILED = both(Tokenizer.from_file(str(BUNDLED / "tokenizer.json")))
KINDS = {"nfkc": (NFKC, QUICK_NFKC), "precompiled": (PRECOMPILED, QUICK_PRECOMPILED)}


@pytest.mark.parametrize("kind", KINDS)
@given(
    text=st.text(
        st.sampled_from(EVERYDAY) | st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]),
        max_size=40,
    )
)
def test_quick_is_what_the_tokenizer_does(kind: str, text: str) -> None:
    normalizer, quick = KINDS[kind]
    assert quick(text) in (None, normalizer.normalize_str(text))


@pytest.mark.parametrize("kind", KINDS)
def test_every_character_of_the_basic_plane(kind: str) -> None:
    normalizer, quick = KINDS[kind]
    characters = [f"山{chr(place)}山" for place in range(0x10000) if not 0xD800 <= place < 0xE000]
    sure = [text for text in characters if quick(text) is not None]
    assert len(sure) > 20_000
    assert [text for text in sure if quick(text) != normalizer.normalize_str(text)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_sure_of_everyday_japanese(kind: str) -> None:
    _, quick = KINDS[kind]
    assert None not in map(quick, corpus()[:100])
    assert quick("（株）ＡＢＣの売上は１２％増、㌔単位で！？") == "(株)ABCの売上は12%増、キロ単位で!?"


@pytest.mark.parametrize(
    "character", ["\0", "\x1c", "\x85", "\u200b", "\ufeff", "\ud800", "\U0001ccd6", "\u0dcf", "😀", "㋿"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_not_of_what_versions_of_unicode_may_differ_on(kind: str, character: str) -> None:
    assert KINDS[kind][1]("山" + character) is None


@pytest.mark.parametrize("text", ["か\u3099", "ｶﾞ", "ﾊﾟ"])
def test_it_leaves_marks_to_a_normalizer_that_maps_them_with_their_letters(text: str) -> None:
    assert QUICK_PRECOMPILED(text) is None
    assert QUICK_NFKC(text) == NFKC.normalize_str(text)


@pytest.mark.parametrize(
    "normalizer",
    [
        normalizers.BertNormalizer(),
        normalizers.Lowercase(),
        normalizers.Sequence([normalizers.NFKC(), normalizers.StripAccents()]),
        normalizers.Replace("", "b"),
        normalizers.Replace(Regex("a+"), "b"),
        normalizers.Strip(left=True, right=False),
    ],
)
def test_other_normalizers_are_left_to_the_tokenizer(normalizer: Normalizer) -> None:
    assert quick_normalizer(content_of(normalizer)) is None


@pytest.mark.parametrize("old", ["\t", "aa", ".", "山川"])
def test_what_is_replaced_as_it_stands_is_read_alike(old: str) -> None:
    normalizer = normalizers.Replace(old, "b.")
    quick = quick_normalizer(content_of(normalizer))
    assert quick is not None
    for text in ("", "a\tb\t\t", "aaaaa.", "山川川山川"):
        assert quick(text) == normalizer.normalize_str(text)


def test_no_normalizer_changes_nothing() -> None:
    quick = quick_normalizer(None)
    assert quick is not None
    assert quick("Ａ  ") == "Ａ  "
