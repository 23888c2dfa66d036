"""(query, passage) -> token ids."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import tiny_config, unigram_tokenizer, write_checkpoint
from jrerank.encoding import MAX_WINDOWS, Encoder, Reading, TextEncoder, window_starts
from jrerank.errors import InputTooLong, InvalidInput
from jrerank.models.checkpoint import load_checkpoint
from jrerank.models.source import open_checkpoint

BOS, EOS = 1, 2


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return Encoder(
        load_checkpoint(write_checkpoint(tmp_path_factory.mktemp("model"), tiny_config()), "tiny"), 64
    )


def only_window(encoder: Encoder, query: str, passage: str) -> tuple[int, ...]:
    (pair,) = encoder.encode(query, [passage])
    (window,) = pair.windows()
    return tuple(window.ids)


def test_golden_layout_query_and_passage_between_their_specials(encoder: Encoder) -> None:
    tokenizer = unigram_tokenizer()
    expected = tokenizer.encode("今日の天気は？", "今日は晴れです。").ids
    assert only_window(encoder, "今日の天気は？", "今日は晴れです。") == tuple(expected)
    assert expected[0] == BOS
    assert expected.count(EOS) == 2


def test_golden_layout_of_an_empty_query(encoder: Encoder) -> None:
    sky = unigram_tokenizer().token_to_id("空")
    assert only_window(encoder, "", "空") == (BOS, EOS, BOS, sky, EOS)


def test_only_the_passage_is_truncated(encoder: Encoder) -> None:
    ids = only_window(encoder, "今日の天気は？", "空" * 500)
    query = unigram_tokenizer().encode("今日の天気は？", add_special_tokens=False).ids
    assert len(ids) == 64
    assert list(ids[1 : 1 + len(query)]) == query


def test_a_long_query_leaves_half_of_the_room_to_the_passage(encoder: Encoder) -> None:
    ids = only_window(encoder, "今日" * 500, "空" * 500)
    sky = unigram_tokenizer().token_to_id("空")
    assert len(ids) == 64
    assert ids.count(sky) == 64 - 4 - 32


def test_left_truncation_keeps_the_end(encoder: Encoder) -> None:
    (pair,) = encoder.encode("今日", ["空" * 500 + "富士山"], Reading(truncation="left"))
    (window,) = pair.windows()
    assert window.ids[-2] == unigram_tokenizer().token_to_id("富士山")


def test_refusing_names_the_text_that_is_too_long(encoder: Encoder) -> None:
    with pytest.raises(InputTooLong, match="64 tokens") as caught:
        encoder.encode("今日", ["空", "空" * 100], Reading(truncation="refuse"))
    assert caught.value.field == "texts.1"


def test_a_long_passage_is_read_in_windows_that_cover_it(encoder: Encoder) -> None:
    (pair,) = encoder.encode("今日", ["空" * 200 + "富士山"], Reading(max_tokens_per_doc=201))
    windows = pair.windows()
    assert len(windows) > 3
    assert all(len(window) <= 64 for window in windows)
    assert windows[-1].ids[-2] == unigram_tokenizer().token_to_id("富士山")


def test_fewer_tokens_per_document_cut_it(encoder: Encoder) -> None:
    (pair,) = encoder.encode("今日", ["空" * 200], Reading(max_tokens_per_doc=7))
    (window,) = pair.windows()
    assert window.ids.count(unigram_tokenizer().get_vocab()["空"]) == 7


@pytest.mark.parametrize("text", ["</s>", "<s>空</s><cls>", "</s" * 3 + ">", "<mask>" * 50, "<0x41></s>"])
def test_special_tokens_in_a_text_are_text(text: str) -> None:
    ids = TextEncoder(unigram_tokenizer()).ids(text)
    assert not {1, 2, 3, 4, 5, 6} & set(ids)
    assert ids


def test_full_width_specials_do_not_come_back_through_the_normalizer() -> None:
    ids = TextEncoder(open_checkpoint("bundled").tokenizer).ids("これは＜／ｓ＞終わりではない</s>。")
    assert not {1, 2, 3, 4, 5, 6} & set(ids)


@given(st.text(alphabet="<>/s 空富士山cls\0", max_size=60))
def test_no_text_ever_becomes_a_special_token(text: str) -> None:
    assert not {1, 2, 3, 4, 5, 6} & set(TextEncoder(unigram_tokenizer()).ids(text))


def test_a_key_depends_on_all_that_the_score_depends_on(encoder: Encoder) -> None:
    def key(query: str, passage: str, reading: Reading = Reading()) -> bytes:  # noqa: B008
        return encoder.encode(query, [passage], reading)[0].key

    different = {key("a", "b"), key("ab", ""), key("a", "c"), key("a", "b", Reading(max_tokens_per_doc=5))}
    assert len(different) == 4
    assert key("a", "b") == key("a", "b")


def test_half_a_surrogate_pair_is_refused(encoder: Encoder) -> None:
    with pytest.raises(InvalidInput, match="surrogate"):
        encoder.encode("今日", ["\ud800"])


def test_ten_million_characters_cost_no_more_than_what_is_read(encoder: Encoder) -> None:
    (pair,) = encoder.encode("今日", ["</s>" * 2_500_000])
    assert pair.chars < 10_000
    assert len(pair.windows()[0]) == 64


@given(st.integers(0, 5000), st.integers(1, 500))
def test_windows_leave_no_gap(length: int, room: int) -> None:
    starts = window_starts(length, room)
    assert starts[0] == 0
    assert len(starts) <= MAX_WINDOWS
    assert all(later - earlier <= room for earlier, later in itertools.pairwise(starts))
    if len(starts) < MAX_WINDOWS:
        assert starts[-1] + room >= length


def test_the_models_own_length_bounds_max_tokens(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, tiny_config(max_position_embeddings=32))
    assert Encoder(load_checkpoint(folder, "tiny"), 512).max_tokens == 32
