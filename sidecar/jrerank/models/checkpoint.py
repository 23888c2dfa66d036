"""A cross-encoder as files: configuration, weights, tokenizer, fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from jrerank.errors import CorruptModel, ModelNotFound
from jrerank.models.architectures.architecture import Architecture, Shapes, Weights
from jrerank.models.architectures.registry import read_architecture
from jrerank.models.json_file import read_json
from jrerank.models.layout import PairLayout, pair_layout
from jrerank.models.sentence_transformers_folder import transformer_folder
from jrerank.models.tensors import WEIGHTS_FILE, StoredTensor, stored_tensors, weights_files
from jrerank.models.tokenizer_file import (
    TOKENIZER_CONFIG_FILE,
    TOKENIZER_FILE,
    gives_token_types,
    read_tokenizer,
)

CONFIG_FILE = "config.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model that can be served.

    `layout` is how the tokenizer joins a query and a passage. `weights` reads the tensors anew each time, as float32: they are
    needed only to build.
    """

    name: str
    architecture: Architecture
    tokenizer: Tokenizer
    layout: PairLayout
    weights: Callable[[], Weights]
    fingerprint: str
    folder: Path | None = None

    @property
    def locator(self) -> str:
        """What opens the same checkpoint again, in another process, without a network."""
        return self.name if self.folder is None else str(self.folder)


def load_checkpoint(folder: Path, name: str) -> Checkpoint:
    """Open the checkpoint in `folder`; the weights are checked against the configuration, not yet read.

    The folder is one that transformers or sentence-transformers has saved.

    Raises:
        ModelNotFound: a file is missing.
        CorruptModel: a file is truncated or not what its name says.
        UnsupportedModel: another kind of model, or a value that jrerank doesn't know.
    """
    within = transformer_folder(folder)
    if not (within / CONFIG_FILE).is_file():
        raise ModelNotFound(f"{name}: {within} has no {CONFIG_FILE}")
    architecture = read_architecture(read_json(within / CONFIG_FILE))
    _check_stored(within, architecture.expected_shapes(), stored_tensors(within))
    tokenizer = read_tokenizer(within, architecture.vocab_size)
    token_types = architecture.token_types if gives_token_types(within) else 1
    layout = pair_layout(tokenizer, architecture.special_ids, token_types)
    files = [within / CONFIG_FILE, within / TOKENIZER_FILE, *weights_files(within)]
    return Checkpoint(
        name=name,
        architecture=architecture,
        tokenizer=tokenizer,
        layout=layout,
        weights=lambda: read_weights(within, architecture),
        fingerprint=_fingerprint(files, layout),
        folder=folder,
    )


def read_weights(folder: Path, architecture: Architecture) -> Weights:
    """The tensors that the architecture needs, as float32.

    Raises:
        ModelNotFound, CorruptModel, UnsupportedModel: see `stored_tensors` and `StoredTensor.read`.
    """
    stored, shapes = stored_tensors(folder), architecture.expected_shapes()
    _check_stored(folder, shapes, stored)
    return {name: stored[name].read() for name in shapes}


def save_checkpoint(
    folder: Path,
    config: Mapping[str, object],
    weights: Weights,
    tokenizer: Tokenizer,
    *,
    tokenizer_config: Mapping[str, object] | None = None,
    half: bool = False,
) -> Checkpoint:
    """Write a checkpoint that `load_checkpoint` and transformers read; what is in `folder` is replaced.

    Args:
        folder: made if it isn't there; its name is the checkpoint's.
        config: what becomes config.json.
        weights: the tensors of the architecture that `config` names; others are left out.
        tokenizer: what becomes tokenizer.json.
        tokenizer_config: what becomes tokenizer_config.json, if anything: transformers, not jrerank, needs it.
        half: store float16 in place of float32.

    Raises:
        CorruptModel: a tensor is missing or of another shape, or not finite in the type that is stored.
        UnsupportedModel: the configuration, or the tokenizer's pairs, are not a reranker's.
    """
    architecture = read_architecture(config)
    dtype = np.dtype(np.float16 if half else np.float32)
    shapes = architecture.expected_shapes()
    stored = {name: np.ascontiguousarray(weights[name], dtype=dtype) for name in shapes if name in weights}
    check_finite(stored, str(folder))
    _check_shapes(folder, shapes, {name: tensor.shape for name, tensor in stored.items()})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG_FILE).write_text(json.dumps(dict(config), indent=1, ensure_ascii=False))
    tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
    if tokenizer_config is not None:
        (folder / TOKENIZER_CONFIG_FILE).write_text(json.dumps(dict(tokenizer_config), indent=1))
    save_file(stored, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    return load_checkpoint(folder, folder.name)


def check_finite(
    weights: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.floating]]], name: str
) -> None:
    """No logit comes of a model with a weight that is no number.

    Raises:
        CorruptModel: there is such a weight; the message names the tensor.
    """
    for tensor, values in weights.items():
        if not np.isfinite(values).all():
            raise CorruptModel(f"{name}: {tensor} holds values that are no numbers, or infinite")


def _check_stored(folder: Path, shapes: Shapes, stored: Mapping[str, StoredTensor]) -> None:
    _check_shapes(folder, shapes, {name: tensor.shape for name, tensor in stored.items()})
    for name in shapes:
        stored[name].check_type()


def _check_shapes(folder: Path, expected: Shapes, shapes: Mapping[str, tuple[int, ...]]) -> None:
    for name, shape in expected.items():
        if name not in shapes:
            raise CorruptModel(f"{folder}: the weights have no tensor {name}")
        if shapes[name] != shape:
            raise CorruptModel(f"{folder}: {name} has shape {shapes[name]}, the configuration says {shape}")


def _fingerprint(files: Iterable[Path], layout: PairLayout) -> str:
    digest = hashlib.sha256(repr(layout).encode())
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
