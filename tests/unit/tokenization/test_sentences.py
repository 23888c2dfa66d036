"""Where a long passage is parted."""

from __future__ import annotations

import itertools
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from builders import unigram_tokenizer
from jrerank.tokenization.sentences import least_step, parts, sentence_ends
from tiny_tokenizers import byte_level_bpe

WORD, STOP = 7, 8
ENDS = frozenset({STOP})


def parted(ids: list[int], room: int) -> list[tuple[int, int]]:
    return list(parts(array("i", ids), room, ENDS))


def test_what_fits_is_one_part() -> None:
    assert parted([WORD] * 8, 8) == [(0, 8)]


def test_nothing_is_one_part_too() -> None:
    assert parted([], 8) == [(0, 0)]


def test_a_part_ends_behind_the_last_sentence_that_fits_and_the_next_begins_there() -> None:
    assert parted([*[WORD] * 4, STOP, WORD, STOP, *[WORD] * 6], 8) == [(0, 7), (7, 13)]


def test_a_sentence_that_ends_before_the_middle_does_not_make_a_part_short() -> None:
    assert parted([WORD, STOP, *[WORD] * 10], 8)[0] == (0, 8)


def test_where_no_sentence_ends_parts_overlap_by_a_quarter() -> None:
    assert parted([WORD] * 14, 8) == [(0, 8), (6, 14)]


@given(st.lists(st.sampled_from([WORD, WORD, WORD, STOP]), max_size=400), st.integers(1, 60))
def test_parts_leave_nothing_out(ids: list[int], room: int) -> None:
    found = parted(ids, room)
    assert found[0][0] == 0
    assert found[-1][1] == len(ids)
    assert all(end - start <= room for start, end in found)
    for (start, end), (following, _) in itertools.pairwise(found):
        assert start + least_step(room) <= following <= end


def test_pieces_that_end_a_sentence() -> None:
    vocabulary = {"空": 1, "。": 2, "です。": 3, "？": 4, "。の": 5}
    assert sentence_ends(vocabulary) == {2, 3, 4}


@pytest.mark.parametrize("tokenizer", [unigram_tokenizer(), byte_level_bpe()], ids=["unigram", "byte level"])
def test_the_last_piece_of_a_sentence_ends_it_in_every_kind_of_vocabulary(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("今日は晴れです。", add_special_tokens=False).ids
    ends = sentence_ends(tokenizer.get_vocab())
    assert ids[-1] in ends
    assert not ends & set(ids[:-1])
