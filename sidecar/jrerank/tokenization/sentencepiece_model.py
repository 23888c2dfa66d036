"""A Unigram vocabulary as a SentencePiece model, in its protocol buffer format (sentencepiece_model.proto)."""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Sequence, Set
from enum import IntEnum

_BYTE = re.compile("<0x[0-9A-F]{2}>")
_UNIGRAM = 1
_VARINT, _BYTES, _FLOAT = 0, 2, 5


class _PieceType(IntEnum):
    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    UNUSED = 5
    BYTE = 6


def model_proto(
    vocabulary: Sequence[tuple[str, float]], unknown_id: int, unused_ids: Set[int], *, byte_fallback: bool
) -> bytes:
    """The model: ids are places in `vocabulary`. Text is read as it comes, a space as U+2581; no text becomes an unused piece."""
    pieces = b"".join(
        _piece(piece, score, _piece_type(id, piece, unknown_id, unused_ids, byte_fallback=byte_fallback))
        for id, (piece, score) in enumerate(vocabulary)
    )
    trainer = _number(3, _UNIGRAM) + _number(35, int(byte_fallback)) + _number(40, unknown_id)
    # add_dummy_prefix, remove_extra_whitespaces: no
    normalizer = _message(1, b"identity") + _number(3, 0) + _number(4, 0)
    return pieces + _message(2, trainer) + _message(3, normalizer)


def _piece_type(
    id: int, piece: str, unknown_id: int, unused_ids: Set[int], *, byte_fallback: bool
) -> _PieceType:
    if id == unknown_id:
        return _PieceType.UNKNOWN
    if id in unused_ids:
        return _PieceType.UNUSED
    if byte_fallback and _BYTE.fullmatch(piece):
        return _PieceType.BYTE
    return _PieceType.NORMAL


def _piece(piece: str, score: float, type: _PieceType) -> bytes:
    content = _message(1, piece.encode()) + _key(2, _FLOAT) + struct.pack("<f", score) + _number(3, type)
    return _message(1, content)


def _message(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


@functools.cache
def _key(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


@functools.lru_cache(maxsize=1024)
def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
