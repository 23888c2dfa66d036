"""Checkpoints with random weights: a real model's size, for speed work where the real one can't be had."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from jrerank.errors import ModelNotFound
from jrerank.models.checkpoint import Checkpoint, Float32Array, expected_shapes
from jrerank.models.config import ARCHITECTURE, ModernBertConfig

PREFIX = "random:"
_SEED = 20_260
_SHAPES: Mapping[str, Mapping[str, int]] = {
    "tiny-v2": {
        "num_hidden_layers": 3,
        "hidden_size": 256,
        "intermediate_size": 1024,
        "num_attention_heads": 4,
    },
    "xsmall-v2": {
        "num_hidden_layers": 10,
        "hidden_size": 256,
        "intermediate_size": 1024,
        "num_attention_heads": 4,
    },
    "small-v2": {
        "num_hidden_layers": 13,
        "hidden_size": 384,
        "intermediate_size": 1536,
        "num_attention_heads": 6,
    },
    "base-v2": {
        "num_hidden_layers": 19,
        "hidden_size": 512,
        "intermediate_size": 2048,
        "num_attention_heads": 8,
    },
}

SIZES = tuple(PREFIX + name for name in _SHAPES)


def random_config(name: str) -> dict[str, object]:
    """The `config.json` of `hotchpotch/japanese-reranker-<name>`.

    Raises:
        ModelNotFound: there is no such size.
    """
    if name not in _SHAPES:
        raise ModelNotFound(f"{PREFIX}{name}: choose one of {', '.join(SIZES)}")
    return {
        "architectures": [ARCHITECTURE],
        "model_type": "modernbert",
        "vocab_size": 102_400,
        "max_position_embeddings": 8192,
        "classifier_pooling": "cls",
        "bos_token_id": 1,
        "eos_token_id": 2,
        **_SHAPES[name],
    }


def random_weights(config: ModernBertConfig) -> dict[str, Float32Array]:
    """The same weights every time: normal with deviation 0.02, norms 1, biases 0."""
    generator = np.random.default_rng(_SEED)
    return {name: _tensor(generator, name, shape) for name, shape in expected_shapes(config).items()}


def random_checkpoint(name: str, tokenizer_file: Path) -> Checkpoint:
    """A checkpoint called `random:<name>`; `tokenizer_file` may have fewer ids than the model."""
    config = ModernBertConfig.from_json(random_config(name))
    identity = f"{name} {_SEED} {config} {hashlib.sha256(tokenizer_file.read_bytes()).hexdigest()}"
    return Checkpoint(
        name=f"{PREFIX}{name}",
        config=config,
        tokenizer=Tokenizer.from_file(str(tokenizer_file)),
        weights=lambda: random_weights(config),
        fingerprint=hashlib.sha256(identity.encode()).hexdigest(),
    )


def _tensor(generator: np.random.Generator, name: str, shape: tuple[int, ...]) -> Float32Array:
    if name.endswith("bias"):
        return np.zeros(shape, dtype=np.float32)
    if len(shape) == 1:
        return np.ones(shape, dtype=np.float32)
    return generator.standard_normal(shape, dtype=np.float32) * np.float32(0.02)
