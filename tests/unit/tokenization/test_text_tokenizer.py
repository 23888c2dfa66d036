"""Plain text -> ids: nothing in it acts as a special token, and nothing of it is lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from jrerank.tokenization.normalization import clean
from jrerank.tokenization.text_tokenizer import TextTokenizer
from tiny_tokenizers import (
    KINDS,
    bert_wordpiece,
    byte_level_bpe,
    corpus,
    modernbert_unigram,
    special_ids,
    text_tokenizer,
)

SPECIALS = ("</s>", "<s>空</s><cls>", "</s" * 3 + ">", "<mask>" * 50, "<0x41></s>", "[SEP]", "[CLS][SEP]空")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ids(kind: str, text: str) -> list[int]:
    return text_tokenizer(kind).ids([text])[0].tolist()


def whole(kind: str, text: str) -> list[int]:
    return KINDS[kind]().encode(text, add_special_tokens=False).ids


def test_ids_are_those_of_the_checkpoints_tokenizer(kind: str) -> None:
    texts = corpus()[:300]
    assert [read.tolist() for read in text_tokenizer(kind).ids(texts)] == [
        whole(kind, text) for text in texts
    ]


def test_tokens_are_the_same_with_their_places(kind: str) -> None:
    text = corpus()[0] + "\n\n😀𠮷ｶﾞ  か\u3099"
    tokens = text_tokenizer(kind).tokens(text)
    assert list(tokens.ids) == whole(kind, text)
    assert list(tokens.starts) == sorted(tokens.starts)
    assert all(start <= end for start, end in zip(tokens.starts, tokens.ends, strict=True))


def test_each_byte_of_an_unknown_character_stands_where_the_character_does() -> None:
    tokens = text_tokenizer("modernbert_unigram").tokens("山\n\n😀山")
    assert tokens.starts == [0, 1, 2, 3, 3, 3, 3, 4]
    assert tokens.ends == [1, 2, 3, 4, 4, 4, 4, 5]


@pytest.mark.parametrize("text", SPECIALS)
def test_special_tokens_in_a_text_are_text(kind: str, text: str) -> None:
    read = ids(kind, text)
    assert read
    assert not special_ids(KINDS[kind]()) & set(read)


def test_full_width_specials_do_not_come_back_through_the_normalizer(kind: str) -> None:
    read = ids(kind, "これは＜／ｓ＞終わりではない</s>。［ＳＥＰ］")
    assert not special_ids(KINDS[kind]()) & set(read)


@settings(max_examples=60)
@given(text=st.text(alphabet="<>/s[]SEPCL 空富士山cls\0", max_size=60))
def test_no_text_ever_becomes_a_special_token(text: str) -> None:
    for kind in KINDS:
        assert not special_ids(KINDS[kind]()) & set(ids(kind, text))


def test_an_unknown_word_keeps_its_place() -> None:
    unknown = bert_wordpiece().token_to_id("[UNK]")
    assert ids("bert_wordpiece", "山\U0001f5ff山") == whole("bert_wordpiece", "山\U0001f5ff山")
    assert unknown in ids("bert_wordpiece", "山\U0001f5ff山")


@pytest.mark.parametrize("text", ["[UNK]", "<unk>"])
def test_the_name_of_the_unknown_token_is_not_deleted(kind: str, text: str) -> None:
    assert ids(kind, text)


def test_words_that_were_added_later_keep_their_ids() -> None:
    added = byte_level_bpe().token_to_id("ジェイリランク")
    assert added in ids("byte_level_bpe", "これはジェイリランクです")


@pytest.mark.parametrize("direction", ["left", "right"])
def test_a_tokenizer_saved_with_padding_and_truncation_reads_the_whole_text(direction: str) -> None:
    tokenizer = Tokenizer.from_str(modernbert_unigram().to_str())
    tokenizer.enable_padding(direction=direction, length=64, pad_id=3, pad_token="<pad>")
    tokenizer.enable_truncation(8)
    for text in ("富士山", corpus()[0]):
        assert TextTokenizer(tokenizer).ids([text])[0].tolist() == whole("modernbert_unigram", text)


def test_the_checkpoints_own_tokenizer_is_left_alone() -> None:
    before = json.loads(modernbert_unigram().to_str())
    TextTokenizer(modernbert_unigram())
    assert json.loads(modernbert_unigram().to_str()) == before


def test_half_a_surrogate_pair_is_a_replacement_character(kind: str) -> None:
    assert clean("a\ud800b") == "a\ufffdb"
    assert clean("\ud83d\ude00") == "😀"
    assert ids(kind, "山\udc00") == ids(kind, "山\ufffd")
