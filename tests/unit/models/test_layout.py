"""Where the special tokens stand in a pair."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from builders import unigram_tokenizer, window, wordpiece_tokenizer, xlm_roberta_tokenizer
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


TOKENIZERS = {
    "ModernBERT": unigram_tokenizer(),
    "BERT": wordpiece_tokenizer(),
    "XLM-RoBERTa": xlm_roberta_tokenizer(),
}


def test_the_layouts_of_bert_and_xlm_roberta() -> None:
    bert = pair_layout(wordpiece_tokenizer(), frozenset(), token_types=2)
    assert bert == PairLayout(prefix=(2,), middle=(3,), suffix=(3,), passage_type=1)
    roberta = pair_layout(xlm_roberta_tokenizer(), SPECIAL_IDS, token_types=1)
    assert roberta == PairLayout(prefix=(1,), middle=(2, 2), suffix=(2,))


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(
    query=st.text("今日の天気は？晴れ空富士山a b<", max_size=12),
    passage=st.text("今日空富士山。a", min_size=1, max_size=20),
)
def test_ids_and_types_are_those_of_transformers(kind: str, query: str, passage: str) -> None:
    tokenizer = TOKENIZERS[kind]
    names = ["input_ids", "token_type_ids"]
    reference = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=names)(query, passage)
    halves = [tokenizer.encode(text, add_special_tokens=False).ids for text in (query, passage)]
    layout = pair_layout(tokenizer, frozenset(), token_types=2)
    joined = layout.join(*halves)
    assert list(joined.ids) == reference["input_ids"]
    types = [layout.passage_type if i >= joined.passage_start else 0 for i in range(len(joined))]
    assert types == reference["token_type_ids"]


def test_to_a_model_with_one_token_type_the_tokenizers_mean_nothing() -> None:
    assert pair_layout(wordpiece_tokenizer(), frozenset(), token_types=1).passage_type == 0


def typed(pair: str) -> Tokenizer:
    tokenizer = wordpiece_tokenizer()
    specials = [("[CLS]", 2), ("[SEP]", 3)]
    tokenizer.post_processor = TemplateProcessing(single="$A", pair=pair, special_tokens=specials)
    return tokenizer


@pytest.mark.parametrize(
    "pair",
    [
        "[CLS]:0 $A:0 [SEP]:0 $B:2 [SEP]:2",
        "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:0",
        "[CLS]:0 $A:0 [SEP]:1 $B:1 [SEP]:1",
        "[CLS]:1 $A:1 [SEP]:1 $B:0 [SEP]:0",
    ],
)
def test_token_types_that_do_not_begin_with_the_passage_are_refused(pair: str) -> None:
    with pytest.raises(UnsupportedModel, match="the tokenizer gives a pair the token types"):
        pair_layout(typed(pair), frozenset(), token_types=2)
