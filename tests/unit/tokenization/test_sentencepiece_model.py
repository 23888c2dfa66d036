"""A vocabulary written as SentencePiece reads it."""

from __future__ import annotations

from sentencepiece import SentencePieceProcessor

from jrerank.tokenization.sentencepiece_model import model_proto

VOCABULARY = [("<unk>", 0.0), ("山", -3.0), ("山▁川", -1.0), ("▁", -4.0), ("川", -5.5), ("a" * 200, -6.0)]
BYTES = [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]


def test_sentencepiece_has_the_same_pieces_in_the_same_places() -> None:
    processor = SentencePieceProcessor(
        model_proto=model_proto(VOCABULARY + BYTES, unknown_id=0, unused_ids={2}, byte_fallback=True)
    )
    pieces = range(processor.get_piece_size())
    assert [(processor.id_to_piece(id), processor.get_score(id)) for id in pieces] == VOCABULARY + BYTES
    assert [id for id in pieces if processor.is_unknown(id)] == [0]
    assert [id for id in pieces if processor.is_unused(id)] == [2]
    assert [id for id in pieces if processor.is_byte(id)] == list(range(6, 262))


def test_text_is_read_as_it_comes() -> None:
    processor = SentencePieceProcessor(
        model_proto=model_proto(VOCABULARY, unknown_id=0, unused_ids={2}, byte_fallback=False)
    )
    assert processor.encode("山 川  ") == [1, 3, 4, 3, 3]
    assert processor.encode("Ａ") == [0]
