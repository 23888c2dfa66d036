"""Unigram tokenization in C, against the `tokenizers` library on vocabularies and texts made up by the dozen."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

import kernel

if kernel.is_missing:
    pytest.skip(kernel.WHY, allow_module_level=True)

from jrerank_native.unigram import SPACE, Unigram, Vocabulary

# Letters of one to four bytes in UTF-8
LETTERS = "ab é富😀" + SPACE
UNKNOWN = ("<unk>", 0.0)
BYTES = [(f"<0x{byte:02X}>", -30.0) for byte in range(256)]
# Some sums of these are equal, others differ by less than a float can tell
SCORES = [-1.0, -1.0000000001, -2.0, -2.0000000001, -3.0, -3.0000000002, -0.1, -0.2, -0.30000000000000004]
PIECES = st.dictionaries(st.text(LETTERS, min_size=1, max_size=5), st.sampled_from(SCORES), max_size=40)
TEXTS = st.lists(st.text(LETTERS + "xｘ" + "<unk>", max_size=30), min_size=1, max_size=4)


def vocabulary(pieces: dict[str, float], *, byte_pieces: bool, words_apart: bool) -> Vocabulary:
    known = [UNKNOWN, (SPACE, -3.0), *((piece, score) for piece, score in pieces.items() if piece != SPACE)]
    ids = range(len(known), len(known) + 256) if byte_pieces else ()
    return Vocabulary([*known, *(BYTES if byte_pieces else [])], 0, ids, words_apart)


def library(known: Vocabulary) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram(list(known.pieces), known.unknown, bool(known.bytes)))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=known.words_apart)
    return tokenizer


@given(pieces=PIECES, texts=TEXTS, byte_pieces=st.booleans(), words_apart=st.booleans())
def test_ids_are_the_librarys(
    pieces: dict[str, float], texts: list[str], byte_pieces: bool, words_apart: bool
) -> None:
    known = vocabulary(pieces, byte_pieces=byte_pieces, words_apart=words_apart)
    theirs = [encoding.ids for encoding in library(known).encode_batch_fast(texts)]
    assert [ids.tolist() for ids in Unigram(known).encode(texts)] == theirs


def test_a_difference_that_a_float_cannot_hold_decides() -> None:
    long = "富" * 1000
    pieces = {"富": -10.0, "ab": -2.0, "a": -1.0, "b": -1.0000000001}
    known = vocabulary(pieces, byte_pieces=False, words_apart=True)
    ids = {piece: id for id, (piece, _) in enumerate(known.pieces)}
    assert Unigram(known).encode([long + "ab"])[0].tolist() == [ids["富"]] * 1000 + [ids["ab"]]


def test_a_large_vocabulary_is_read_whole() -> None:
    generator = random.Random(1)
    letters = [chr(generator.randrange(0x4E00, 0x9F00)) for _ in range(3000)]
    pieces = {"".join(generator.choices(letters, k=generator.randrange(1, 7))): -1.0 for _ in range(30_000)}
    known = vocabulary(pieces, byte_pieces=False, words_apart=True)
    encoded = Unigram(known).encode([piece for piece, _ in known.pieces])
    assert [ids.tolist() for ids in encoded] == [[id] for id in range(len(known.pieces))]


def test_any_number_of_threads_may_use_one() -> None:
    known = vocabulary({"ab": -1.0, "a": -2.0, "富😀": -1.0}, byte_pieces=True, words_apart=True)
    unigram = Unigram(known)
    batches = [["ab 富😀é" * (1 + number % 7), "a" * number] for number in range(200)]
    alone = [[ids.tolist() for ids in unigram.encode(batch)] for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = [[ids.tolist() for ids in encoded] for encoded in pool.map(unigram.encode, batches)]
    assert together == alone


def test_nothing_has_no_ids() -> None:
    unigram = Unigram(vocabulary({}, byte_pieces=True, words_apart=True))
    assert unigram.encode([]) == []
    assert [ids.tolist() for ids in unigram.encode(["", " ", ""])] == [[], [1], []]


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([UNKNOWN, (SPACE, -1.0), ("", -1.0)], "a piece is empty"),
        ([UNKNOWN, (SPACE, 1.0)], "not a number up to zero"),
        ([UNKNOWN, (SPACE, float("nan"))], "not a number up to zero"),
        ([UNKNOWN, ("a", -1.0)], "no piece stands for a space"),
    ],
)
def test_a_vocabulary_that_would_be_misread_is_refused(pieces: list[tuple[str, float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Unigram(Vocabulary(pieces, 0))


def test_bytes_have_256_pieces_or_none() -> None:
    with pytest.raises(ValueError, match="256"):
        Unigram(Vocabulary([UNKNOWN, (SPACE, -1.0)], 0, bytes=[1, 2]))
