"""Where the special tokens stand in a pair."""

from __future__ import annotations

import pytest

from builders import unigram_tokenizer, window
from jrerank.errors import UnsupportedModel
from jrerank.models.layout import PairLayout, pair_layout

SPECIAL_IDS = frozenset({1, 2})


def test_the_japanese_rerankers_layout() -> None:
    layout = pair_layout(unigram_tokenizer(), SPECIAL_IDS)
    assert layout == PairLayout(prefix=(1,), middle=(2, 1), suffix=(2,))
    assert layout.join([10, 11], [12]) == window((1, 10, 11, 2, 1, 12, 2), passage_start=5)
    assert layout.overhead_tokens == 4


@pytest.mark.parametrize(
    "template",
    [
        "<s> $B </s> <s> $A </s>",
        "$A </s> $B </s>",
        "<s> $A $B </s>",
        "<s> $A </s> $B",
        "<cls> $A <sep> $B <sep>",
    ],
)
def test_a_layout_that_the_model_was_not_made_for_is_an_error(template: str) -> None:
    with pytest.raises(UnsupportedModel, match="tokenizer"):
        pair_layout(unigram_tokenizer(template=template), SPECIAL_IDS)


@pytest.mark.parametrize(
    ("query", "passage", "pieces"),
    [
        ("今日の天気は？", "今日は晴れです。", "<s> 今日 の 天気 は ？ </s> <s> 今日 は 晴れ です 。 </s>"),
        ("", "空", "<s> </s> <s> 空 </s>"),
        ("空", "", "<s> 空 </s> <s> </s>"),
        ("ｱ", "①", "<s> <0xEF> <0xBD> <0xB1> </s> <s> <0xE2> <0x91> <0xA0> </s>"),
    ],
    ids=["words", "empty query", "empty passage", "unknown characters as bytes, not normalized"],
)
def test_golden_ids(query: str, passage: str, pieces: str) -> None:
    """Joining the halves by the layout gives what the tokenizer itself makes of the pair."""
    tokenizer = unigram_tokenizer()
    halves = [tokenizer.encode(text, add_special_tokens=False).ids for text in (query, passage)]
    joined = pair_layout(tokenizer, SPECIAL_IDS).join(*halves).ids
    assert [tokenizer.id_to_token(id) for id in joined] == pieces.split()
    assert list(joined) == tokenizer.encode(query, passage).ids


def test_the_specials_stand_where_the_japanese_rerankers_have_them() -> None:
    tokenizer = unigram_tokenizer()
    tokens = ["<unk>", "<s>", "</s>", "<pad>", "<sep>", "<mask>", "<cls>"]
    assert [tokenizer.token_to_id(token) for token in tokens] == list(range(7))


def test_a_configuration_that_names_no_specials_trusts_the_tokenizer() -> None:
    layout = pair_layout(unigram_tokenizer(template="<cls> $A <sep> $B <sep>"), frozenset())
    assert layout == PairLayout(prefix=(6,), middle=(4,), suffix=(4,))


def test_an_error_shows_both_layouts() -> None:
    with pytest.raises(UnsupportedModel, match=r"\[6\] query \[4\] passage \[4\], but .* \[1, 2\]"):
        pair_layout(unigram_tokenizer(template="<cls> $A <sep> $B <sep>"), SPECIAL_IDS)
