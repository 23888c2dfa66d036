"""Checkpoints with random weights: a real model's size, for speed work where the real one can't be had."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from jrerank.errors import ModelNotFound
from jrerank.models.architectures.architecture import Architecture, Float32Array
from jrerank.models.architectures.registry import read_architecture
from jrerank.models.checkpoint import Checkpoint
from jrerank.models.layout import pair_layout

PREFIX = "random:"
_SEED = 20_260
_MODERNBERT = {
    "architectures": ["ModernBertForSequenceClassification"],
    "model_type": "modernbert",
    "vocab_size": 102_400,
    "max_position_embeddings": 8192,
    "classifier_pooling": "cls",
}
_BERT = {
    "architectures": ["BertForSequenceClassification"],
    "model_type": "bert",
    "vocab_size": 250_037,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
}

_XLM_ROBERTA = {
    "architectures": ["XLMRobertaForSequenceClassification"],
    "model_type": "xlm-roberta",
    "vocab_size": 250_002,
    "max_position_embeddings": 8194,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-5,
    "pad_token_id": 1,
}


def _size(layers: int, hidden: int, inner: int, heads: int) -> dict[str, int]:
    return {
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_attention_heads": heads,
    }


# `hotchpotch/japanese-reranker-*-v2`, `intfloat/multilingual-e5-small` whole and with half of its layers, `BAAI/bge-reranker-v2-m3`
_CONFIGS: Mapping[str, Mapping[str, object]] = {
    "tiny-v2": _MODERNBERT | _size(3, 256, 1024, 4),
    "xsmall-v2": _MODERNBERT | _size(10, 256, 1024, 4),
    "small-v2": _MODERNBERT | _size(13, 384, 1536, 6),
    "base-v2": _MODERNBERT | _size(19, 512, 2048, 8),
    "e5-small": _BERT | _size(12, 384, 1536, 12),
    "e5-small-6": _BERT | _size(6, 384, 1536, 12),
    "bge-v2-m3": _XLM_ROBERTA | _size(24, 1024, 4096, 16),
}

SIZES = tuple(PREFIX + name for name in _CONFIGS)


def random_config(name: str) -> dict[str, object]:
    """The `config.json` of the model of that size.

    Raises:
        ModelNotFound: there is no such size.
    """
    if name not in _CONFIGS:
        raise ModelNotFound(f"{PREFIX}{name}: choose one of {', '.join(SIZES)}")
    return dict(_CONFIGS[name])


def random_weights(architecture: Architecture) -> dict[str, Float32Array]:
    """The same weights every time: normal with deviation 0.02, norms 1, biases 0."""
    generator = np.random.default_rng(_SEED)
    return {name: _tensor(generator, name, shape) for name, shape in architecture.expected_shapes().items()}


def random_checkpoint(name: str, tokenizer_file: Path) -> Checkpoint:
    """A checkpoint called `random:<name>`; `tokenizer_file` may have fewer ids than the model."""
    architecture = read_architecture(random_config(name))
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    identity = f"{name} {_SEED} {architecture} {hashlib.sha256(tokenizer_file.read_bytes()).hexdigest()}"
    return Checkpoint(
        name=f"{PREFIX}{name}",
        architecture=architecture,
        tokenizer=tokenizer,
        layout=pair_layout(tokenizer, architecture.special_ids, architecture.token_types),
        weights=lambda: random_weights(architecture),
        fingerprint=hashlib.sha256(identity.encode()).hexdigest(),
    )


def _tensor(generator: np.random.Generator, name: str, shape: tuple[int, ...]) -> Float32Array:
    if name.endswith("bias"):
        return np.zeros(shape, dtype=np.float32)
    if len(shape) == 1:
        return np.ones(shape, dtype=np.float32)
    return generator.standard_normal(shape, dtype=np.float32) * np.float32(0.02)
