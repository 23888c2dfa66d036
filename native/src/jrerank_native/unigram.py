"""Unigram tokenization with the ids of the `tokenizers` library, in a tenth of its time."""

from __future__ import annotations

import ctypes
import itertools
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SPACE = "▁"
# What the library takes off the lowest score for a character that is in no piece
_UNKNOWN_PENALTY = 10.0
_UTF8_BYTES = 4

_FILE = Path(__file__).with_name("libunigram.so")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Pieces with their scores; a piece's id is its place.

    Args:
        bytes: the ids of the 256 bytes that stand for characters in no piece; none: all such are the piece `unknown`.
        words_apart: no piece goes from one word into the next; a word begins at U+2581.
    """

    pieces: Sequence[tuple[str, float]]
    unknown: int
    bytes: Sequence[int] = ()
    words_apart: bool = True


class Unigram:
    """The best way to cut texts into pieces. It may be used from any number of threads."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Build a trie of the pieces: 0.1 s for 16,000.

        Raises:
            ValueError: a piece is empty, or a score isn't finite or above zero, or there is no piece for a space.
        """
        _check(vocabulary)
        self._ids_per_character = _UTF8_BYTES if vocabulary.bytes else 1
        self._library = _library()
        self._model = _new_model(self._library, vocabulary)
        # Not when Python exits: a daemon thread may still read it
        weakref.finalize(self, self._library.jrerank_unigram_free, self._model).atexit = False

    def encode(self, texts: Sequence[str]) -> list[npt.NDArray[np.int32]]:
        """The ids of each text. A space is read as U+2581. Texts have no half surrogate pairs."""
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        bounds = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum(lengths, out=bounds[1:])
        points = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32)
        ids = np.empty(len(points) * self._ids_per_character, dtype=np.int32)
        starts = np.empty(len(texts) + 1, dtype=np.int64)
        if not self._library.jrerank_unigram_encode(
            self._model, _address(points), _address(bounds), len(texts), _address(ids), _address(starts)
        ):
            raise MemoryError("no memory to tokenize")
        ends = starts.tolist()
        return [ids[start:end] for start, end in itertools.pairwise(ends)]


def _check(vocabulary: Vocabulary) -> None:
    if any(not piece or not -np.inf < score <= 0 for piece, score in vocabulary.pieces):
        raise ValueError("a piece is empty, or its score is not a number up to zero")
    if SPACE not in {piece for piece, _ in vocabulary.pieces}:
        raise ValueError("no piece stands for a space")
    if vocabulary.bytes and len(vocabulary.bytes) != 256:
        raise ValueError("there are 256 bytes, or none")


def _new_model(library: Any, vocabulary: Vocabulary) -> ctypes.c_void_p:
    readable = [
        (piece, id) for id, (piece, _) in enumerate(vocabulary.pieces) if _is_readable(piece, vocabulary)
    ]
    readable.sort()
    scores = np.array([score for _, score in vocabulary.pieces], dtype=np.float64)
    points = np.frombuffer("".join(piece for piece, _ in readable).encode("utf-32-le"), dtype=np.uint32)
    bounds = np.cumsum([0, *(len(piece) for piece, _ in readable)], dtype=np.int64)
    ids = np.array([id for _, id in readable], dtype=np.int32)
    byte_ids = np.array(vocabulary.bytes, dtype=np.int32)
    model = library.jrerank_unigram_new(
        _address(points),
        _address(bounds),
        _address(ids),
        len(ids),
        _address(scores),
        len(scores),
        scores.min() - _UNKNOWN_PENALTY,
        vocabulary.unknown,
        ord(SPACE) if vocabulary.words_apart else -1,
        ord(" "),
        ord(SPACE),
        _address(byte_ids) if vocabulary.bytes else None,
    )
    if not model:
        raise MemoryError("no memory for a vocabulary")
    return ctypes.c_void_p(model)


def _is_readable(piece: str, vocabulary: Vocabulary) -> bool:
    """Whether a text can hold it: spaces are read as U+2581, which is nowhere but at the beginning of a word."""
    return " " not in piece and not (vocabulary.words_apart and SPACE in piece[1:])


def _address(numbers: npt.NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(numbers.ctypes.data)


def _library() -> Any:
    library = ctypes.CDLL(str(_FILE))
    pointer, count, number = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32
    new, encode, free = (
        library.jrerank_unigram_new,
        library.jrerank_unigram_encode,
        library.jrerank_unigram_free,
    )
    new.restype = pointer
    new.argtypes = [
        *(pointer, pointer, pointer, count, pointer, count, ctypes.c_double),
        *(number, number, number, number, pointer),
    ]
    encode.restype, encode.argtypes = number, [pointer, pointer, pointer, count, pointer, pointer]
    free.restype, free.argtypes = None, [pointer]
    return library
