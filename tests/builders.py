"""Small real parts that tests are built from: tokenizers, checkpoints, a sidecar."""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram, WordPiece
from tokenizers.processors import TemplateProcessing

from jrerank.domain import Window
from jrerank.models.architectures.architecture import Architecture, Float32Array, Lossy, Weights
from jrerank.models.architectures.registry import read_architecture

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


def wordpiece_tokenizer(pieces: Sequence[str] = PIECES) -> Tokenizer:
    """As BERT has it: the passage's tokens are of another type than the query's."""
    tokens = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces, *(f"##{piece}" for piece in pieces))
    tokenizer = Tokenizer(WordPiece({token: id for id, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(handle_chinese_chars=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = [AddedToken(token, special=True, normalized=False) for token in tokens[:5]]
    tokenizer.add_special_tokens(specials)
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def xlm_roberta_tokenizer() -> Tokenizer:
    """A Unigram tokenizer that joins pairs as XLM-RoBERTa does."""
    return unigram_tokenizer(template="<s> $A </s> </s> $B </s>")


def tiny_config(**changes: object) -> dict[str, object]:
    """A `config.json` of a ModernBERT that is built in milliseconds."""
    content: dict[str, object] = {
        "architectures": ["ModernBertForSequenceClassification"],
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


def tiny_bert_config(**changes: object) -> dict[str, object]:
    """A `config.json` of a BERT that is built in milliseconds."""
    content: dict[str, object] = {
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "vocab_size": 300,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "pad_token_id": 0,
        "num_labels": 1,
    }
    return content | changes


def tiny_xlm_roberta_config(**changes: object) -> dict[str, object]:
    """A `config.json` of an XLM-RoBERTa that is built in milliseconds, for `xlm_roberta_tokenizer`."""
    own: dict[str, object] = {
        "architectures": ["XLMRobertaForSequenceClassification"],
        "model_type": "xlm-roberta",
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
        "pad_token_id": 3,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    return tiny_bert_config(**own) | changes


def tiny_architecture(**changes: object) -> Architecture:
    """That of `tiny_config`."""
    return read_architecture(tiny_config(**changes))


def random_tensors(architecture: Architecture, seed: int = 7) -> dict[str, Float32Array]:
    """Weights large enough that attention, windows and rotations show in the logit."""
    generator = np.random.default_rng(seed)
    tensors = {}
    for name, shape in architecture.expected_shapes().items():
        scale = 1.5 / np.sqrt(shape[-1]) if len(shape) == 2 else 0.2
        tensor = generator.standard_normal(shape).astype(np.float32) * np.float32(scale)
        tensors[name] = tensor + np.float32(1.0) if len(shape) == 1 and name.endswith("weight") else tensor
        if name.endswith(("tok_embeddings.weight", "word_embeddings.weight")):
            tensors[name] *= np.float32(4.0)
    return tensors


def write_graph(path: Path, architecture: Architecture, weights: Weights, lossy: Lossy | None = None) -> Path:
    """The float32 graph of these weights."""
    onnx.save(architecture.onnx_graph(weights, lossy), path)
    return path


def write_checkpoint(folder: Path, config: Mapping[str, object], tokenizer: Tokenizer | None = None) -> Path:
    """A checkpoint folder with random weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (tokenizer or unigram_tokenizer()).save(str(folder / "tokenizer.json"))
    save_file(random_tensors(read_architecture(config)), folder / "model.safetensors")
    return folder


def window(ids: Sequence[int], passage_start: int = 0) -> Window:
    """A window of these token ids."""
    return Window(array("i", ids), passage_start)
