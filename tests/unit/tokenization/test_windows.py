"""(query, passages) -> windows."""

from __future__ import annotations

import copy
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from builders import tiny_config, unigram_tokenizer, write_checkpoint
from jrerank.domain import Truncation, Window
from jrerank.errors import InputTooLong
from jrerank.models.checkpoint import load_checkpoint
from jrerank.tokenization.windows import MAX_WINDOWS, QueryIds, Reading, Tokenization, Windows
from tiny_tokenizers import modernbert_unigram

BOS, EOS = 1, 2
(SKY,) = unigram_tokenizer().encode("空", add_special_tokens=False).ids
(FUJI,) = unigram_tokenizer().encode("富士山", add_special_tokens=False).ids
AS_USUAL = Reading()


def tokenization_of(folder: Path, tokenizer: Tokenizer | None = None, **config: object) -> Tokenization:
    return Tokenization(
        load_checkpoint(write_checkpoint(folder, tiny_config(**config), tokenizer), "tiny"), 64
    )


def in_windows_of(tokenization: Tokenization, window_tokens: int | None) -> Tokenization:
    """The same, with windows that hold so many tokens of a passage."""
    narrow = copy.copy(tokenization)
    narrow.window_tokens = window_tokens
    return narrow


@pytest.fixture(scope="module")
def tokenization(tmp_path_factory: pytest.TempPathFactory) -> Tokenization:
    return tokenization_of(tmp_path_factory.mktemp("model"))


def read(
    tokenization: Tokenization, query: str, passage: str, reading: Reading = AS_USUAL
) -> Windows | InputTooLong:
    """Reads a passage both ways, which have to agree."""
    query_ids = tokenization.query(query, reading)
    (windows,) = tokenization.passages(query_ids, [passage], reading)
    reader = tokenization.reader(query_ids, passage, reading)
    while not reader.step():
        pass
    assert repr(reader.windows()) == repr(windows)
    return windows


def windows_of(
    tokenization: Tokenization, query: str, passage: str, reading: Reading = AS_USUAL
) -> tuple[Window, ...]:
    windows = read(tokenization, query, passage, reading)
    assert isinstance(windows, Windows)
    return windows.windows


def test_golden_layout_query_and_passage_between_their_specials(tokenization: Tokenization) -> None:
    (window,) = windows_of(tokenization, "今日の天気は？", "今日は晴れです。")
    expected = unigram_tokenizer().encode("今日の天気は？", "今日は晴れです。")
    assert window.ids.tolist() == expected.ids
    assert window.passage_start == expected.sequence_ids.index(1)
    assert len(window) == len(expected.ids)


def test_golden_layout_of_an_empty_query(tokenization: Tokenization) -> None:
    (window,) = windows_of(tokenization, "", "空")
    assert window.ids.tolist() == [BOS, EOS, BOS, SKY, EOS]
    assert window.passage_start == 3


def test_an_empty_passage_has_a_window_too(tokenization: Tokenization) -> None:
    (window,) = windows_of(tokenization, "空", "")
    assert window.ids.tolist() == [BOS, SKY, EOS, BOS, EOS]


def test_only_the_passage_is_truncated(tokenization: Tokenization) -> None:
    windows = read(tokenization, "今日の天気は？", "空" * 500)
    assert isinstance(windows, Windows)
    query = unigram_tokenizer().encode("今日の天気は？", add_special_tokens=False).ids
    (window,) = windows.windows
    assert len(window) == 64
    assert window.ids[1 : 1 + len(query)].tolist() == query
    assert windows.truncated


def test_what_fits_is_not_truncated(tokenization: Tokenization) -> None:
    windows = read(tokenization, "", "空" * 60)
    assert isinstance(windows, Windows)
    assert not windows.truncated


def test_a_long_query_leaves_half_of_the_window_to_the_passage(tokenization: Tokenization) -> None:
    query = tokenization.query("今日" * 500, AS_USUAL)
    assert query.truncated
    (window,) = windows_of(tokenization, "今日" * 500, "空" * 500)
    assert len(window) == 64
    assert window.ids.count(SKY) == 64 - 4 - 32


def test_left_truncation_keeps_the_end(tokenization: Tokenization) -> None:
    (window,) = windows_of(tokenization, "今日", "空" * 500 + "富士山", Reading(truncation="left"))
    assert window.ids[-2] == FUJI


def test_what_is_too_long_is_refused(tokenization: Tokenization) -> None:
    reading = Reading(truncation="refuse")
    query = tokenization.query("今日", reading)
    fits, too_long = tokenization.passages(query, ["空" * 59, "空" * 60], reading)
    assert isinstance(fits, Windows)
    assert isinstance(too_long, InputTooLong)
    assert "64 tokens" in str(too_long)
    assert isinstance(read(tokenization, "今日", "空" * 60, reading), InputTooLong)


def test_white_space_is_no_reason_to_refuse(tmp_path: Path) -> None:
    tokenization = tokenization_of(tmp_path, modernbert_unigram(), vocab_size=16000)
    windows = read(tokenization, "山", " " * 20_000 + "富士山の高さ", Reading(truncation="refuse"))
    assert isinstance(windows, Windows)


def test_a_query_that_leaves_no_room_is_refused_by_name(tokenization: Tokenization) -> None:
    with pytest.raises(InputTooLong, match="60 tokens") as caught:
        tokenization.query("今日" * 61, Reading(truncation="refuse"))
    assert caught.value.field == "query"


def test_refusing_reads_more_than_half_a_window_of_a_query(tokenization: Tokenization) -> None:
    (window,) = windows_of(tokenization, "今日" * 50, "空" * 10, Reading(truncation="refuse"))
    assert len(window) == 64


def test_a_long_passage_is_read_in_windows_that_cover_it(tokenization: Tokenization) -> None:
    windows = read(tokenization, "今日", "空" * 200 + "富士山", Reading(max_tokens_per_doc=201))
    assert isinstance(windows, Windows)
    assert len(windows.windows) > 3
    assert all(len(window) <= 64 for window in windows.windows)
    assert windows.windows[-1].ids[-2] == FUJI
    assert not windows.truncated


def test_a_passage_is_read_no_further_than_its_windows_reach(tokenization: Tokenization) -> None:
    windows = read(tokenization, "今日", "空" * 10_000, Reading(max_tokens_per_doc=10**9))
    assert isinstance(windows, Windows)
    assert len(windows.windows) == MAX_WINDOWS
    assert all(len(window) == 64 for window in windows.windows)
    assert windows.truncated


def test_left_truncation_of_a_passage_of_too_many_windows_keeps_the_end(tokenization: Tokenization) -> None:
    reading = Reading(max_tokens_per_doc=10**9, truncation="left")
    windows = windows_of(tokenization, "今日", "空" * 10_000 + "富士山", reading)
    assert len(windows) == MAX_WINDOWS
    assert windows[-1].ids[-2] == FUJI


def test_fewer_tokens_per_document_cut_it(tokenization: Tokenization) -> None:
    (window,) = windows_of(tokenization, "今日", "空" * 200, Reading(max_tokens_per_doc=7))
    assert window.ids.count(SKY) == 7


@given(
    tokens=st.integers(1, 3000),
    query=st.integers(0, 100),
    limit=st.none() | st.integers(1, 4000),
    window=st.none() | st.integers(16, 64),
    sentence=st.integers(1, 40),
    truncation=st.sampled_from(["right", "left", "refuse"]),
)
def test_no_passage_has_more_tokens_than_announced(
    tokenization: Tokenization, tokens: int, query: int, limit: int | None, window: int | None, sentence: int,
    truncation: Truncation,
) -> None:  # fmt: skip
    reading, narrow = Reading(limit, truncation), in_windows_of(tokenization, window)
    query = min(query, 27) if truncation == "refuse" else query
    passage = ("空" * (sentence - 1) + "。") * (tokens // sentence) + "空" * (tokens % sentence)
    (windows,) = narrow.passages(narrow.query("空" * query, reading), [f"今日\n{passage}"], reading)
    if isinstance(windows, Windows):
        assert max(map(len, windows.windows)) <= narrow.max_tokens
        assert sum(map(len, windows.windows)) <= narrow.most_tokens(reading, query)
    else:
        assert truncation == "refuse"


def test_narrow_windows_read_as_much_as_one_run_would_hold(tokenization: Tokenization) -> None:
    (whole,) = windows_of(tokenization, "今日", "空空空空空空空。" * 60)
    parted = windows_of(in_windows_of(tokenization, 16), "今日", "空空空空空空空。" * 60)
    passages = [window.ids[window.passage_start : -1] for window in parted]
    assert all(len(passage) <= 16 for passage in passages)
    assert sum(passages, array("i")) == whole.ids[whole.passage_start : -1]


def test_the_first_line_stands_in_front_of_every_part(tokenization: Tokenization) -> None:
    first, *others = windows_of(in_windows_of(tokenization, 16), "今日", "富士山\n" + "空" * 40)
    title = [FUJI]
    for window in (first, *others):
        start = window.passage_start
        assert window.ids[start : start + 1].tolist() == title
    assert others


def test_a_first_line_that_is_no_title_is_not_said_again(tokenization: Tokenization) -> None:
    windows = windows_of(in_windows_of(tokenization, 16), "今日", "富士山" * 6 + "\n" + "空" * 40)
    assert windows[-1].ids.count(FUJI) == 0


def test_the_end_of_a_passage_has_the_first_line_in_front_of_every_part(tokenization: Tokenization) -> None:
    narrow = in_windows_of(tokenization, 16)
    windows = windows_of(narrow, "今日", "富士山\n" + "空" * 100, Reading(truncation="left"))
    assert all(window.ids[window.passage_start] == FUJI for window in windows)


def test_a_query_that_fills_the_window_leaves_no_room_where_nothing_may_be_cut(
    tokenization: Tokenization,
) -> None:
    reading = Reading(truncation="refuse")
    (passage,) = tokenization.passages(tokenization.query("空" * 60, reading), ["富士山"], reading)
    assert isinstance(passage, InputTooLong)


def test_a_text_of_too_many_windows_is_refused_for_them(tokenization: Tokenization) -> None:
    refusal = read(tokenization, "今日", "空" * 3_700, Reading(4_000, "refuse"))
    assert "more than 64 windows" in str(refusal)


def test_what_fits_into_one_window_has_its_title_once(tokenization: Tokenization) -> None:
    (window,) = windows_of(in_windows_of(tokenization, 16), "今日", "富士山\n空")
    assert window.ids.count(FUJI) == 1


def test_half_a_surrogate_pair_is_a_replacement_character(tokenization: Tokenization) -> None:
    assert windows_of(tokenization, "\ud800", "空\udc00") == windows_of(tokenization, "\ufffd", "空\ufffd")


def test_the_models_own_length_bounds_max_tokens(tmp_path: Path) -> None:
    assert tokenization_of(tmp_path, max_position_embeddings=32).max_tokens == 32


def test_a_tokenizer_saved_with_padding_and_truncation_is_harmless(
    tmp_path: Path, tokenization: Tokenization
) -> None:
    saved = unigram_tokenizer()
    saved.enable_padding(length=32, pad_id=3, pad_token="<pad>")
    saved.enable_truncation(8)
    assert windows_of(tokenization_of(tmp_path, saved), "今日", "空" * 50) == windows_of(
        tokenization, "今日", "空" * 50
    )


def test_queries_are_read_once_for_all_passages(tokenization: Tokenization) -> None:
    query = tokenization.query("今日", AS_USUAL)
    assert isinstance(query, QueryIds)
    windows = tokenization.passages(query, ["空", "富士山"], AS_USUAL)
    assert [window.windows[0].ids[:4] for window in windows if isinstance(window, Windows)] == [query.ids] * 2
