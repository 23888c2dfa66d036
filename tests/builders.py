"""Small real parts that tests are built from: tokenizers, checkpoints, a sidecar."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing

from jrerank.domain import Pair, TokenIds
from jrerank.models.checkpoint import expected_shapes
from jrerank.models.config import ARCHITECTURE, ModernBertConfig

SPECIALS = ("<unk>", "<s>", "</s>", "<pad>", "<sep>", "<mask>", "<cls>")
PIECES = (
    "今日",
    "の",
    "天気",
    "は",
    "？",
    "晴れ",
    "です",
    "。",
    "空",
    "富士山",
    "高さ",
    "<",
    "/",
    "s",
    ">",
    "a",
    "b",
)


def unigram_tokenizer(pieces: Sequence[str] = PIECES, template: str = "<s> $A </s> <s> $B </s>") -> Tokenizer:
    """SentencePiece Unigram with byte fallback and no normalizer, as the Japanese rerankers have it."""
    vocabulary = [(token, 0.0) for token in SPECIALS]
    vocabulary += [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]
    vocabulary += [(piece, -5.0 - 0.01 * place) for place, piece in enumerate(pieces)]
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=0, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="never", split=False)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIALS])
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair=template,
        special_tokens=[("<s>", 1), ("</s>", 2), ("<sep>", 4), ("<cls>", 6)],
    )
    return tokenizer


def tiny_config(**changes: object) -> dict[str, object]:
    """A `config.json` of a ModernBERT that is built in milliseconds."""
    content: dict[str, object] = {
        "architectures": [ARCHITECTURE],
        "model_type": "modernbert",
        "vocab_size": 300,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "max_position_embeddings": 1024,
        "local_attention": 16,
        "classifier_pooling": "cls",
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
        "num_labels": 1,
    }
    return content | changes


def random_tensors(
    config: ModernBertConfig, seed: int = 7
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """Weights large enough that attention, windows and rotations show in the logit."""
    generator = np.random.default_rng(seed)
    tensors = {}
    for name, shape in expected_shapes(config).items():
        scale = 1.5 / np.sqrt(shape[-1]) if len(shape) == 2 else 0.2
        tensor = generator.standard_normal(shape).astype(np.float32) * np.float32(scale)
        tensors[name] = tensor + np.float32(1.0) if len(shape) == 1 and name.endswith("weight") else tensor
    tensors["model.embeddings.tok_embeddings.weight"] *= np.float32(4.0)
    return tensors


def write_checkpoint(folder: Path, config: Mapping[str, object], tokenizer: Tokenizer | None = None) -> Path:
    """A checkpoint folder with random weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (tokenizer or unigram_tokenizer()).save(str(folder / "tokenizer.json"))
    save_file(random_tensors(ModernBertConfig.from_json(config)), folder / "model.safetensors")
    return folder


def pair(key: str, ids: TokenIds = (1, 2)) -> Pair:
    """A pair that needs no tokenizer."""
    return Pair(key=key.encode(), chars=len(ids) * 2, max_tokens=512, windows=lambda: [ids])
