"""A cross-encoder as files: configuration, weights, tokenizer, fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
from tokenizers import Tokenizer

from jrerank.errors import ConfigurationError, CorruptModel, ModelNotFound, UnsupportedModel
from jrerank.models.architectures.architecture import Architecture, Float32Array, Shapes, Weights
from jrerank.models.architectures.registry import read_architecture
from jrerank.models.layout import PairLayout, pair_layout

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"

_deserialize: Callable[[bytes], list[tuple[str, Mapping[str, object]]]] = safetensors.deserialize


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

    Raises:
        ModelNotFound: a file is missing.
        CorruptModel: a file is truncated or not what its name says.
        UnsupportedModel: another architecture, or a value that jrerank doesn't know.
    """
    for file in (CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE):
        if not (folder / file).is_file():
            raise ModelNotFound(f"{name}: {folder} has no {file}")
    architecture = read_architecture(_json(folder / CONFIG_FILE))
    _check_shapes(folder / WEIGHTS_FILE, architecture.expected_shapes())
    tokenizer = _tokenizer(folder / TOKENIZER_FILE, architecture.vocab_size)
    return Checkpoint(
        name=name,
        architecture=architecture,
        tokenizer=tokenizer,
        layout=pair_layout(tokenizer, architecture.special_ids, architecture.token_types),
        weights=lambda: read_weights(folder / WEIGHTS_FILE),
        fingerprint=_fingerprint(folder),
        folder=folder,
    )


def read_weights(path: Path) -> dict[str, Float32Array]:
    """All tensors of a safetensors file as float32; float16 and bfloat16 are widened, which is exact.

    Raises:
        CorruptModel: the file is truncated.
        UnsupportedModel: a tensor has another type.
    """
    try:
        tensors = _deserialize(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise CorruptModel(f"{path}: {error}") from error
    return {name: _float32(path, name, tensor) for name, tensor in tensors}


def _json(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise CorruptModel(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise CorruptModel(f"{path} is not a JSON object")
    return content


def _check_shapes(path: Path, shapes: Shapes) -> None:
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise CorruptModel(f"{path}: {error}") from error
    for name, shape in shapes.items():
        if name not in found:
            raise CorruptModel(f"{path} has no tensor {name}")
        if found[name] != shape:
            raise CorruptModel(f"{path}: {name} has shape {found[name]}, the configuration says {shape}")


def _float32(path: Path, name: str, tensor: Mapping[str, object]) -> Float32Array:
    data, shape, dtype = tensor["data"], tensor["shape"], tensor["dtype"]
    if not isinstance(data, (bytes, bytearray)) or not isinstance(shape, list):
        raise CorruptModel(f"{path}: {name} cannot be read")
    if dtype == "F32":
        return np.frombuffer(data, dtype="<f4").reshape(shape)
    if dtype == "F16":
        return np.frombuffer(data, dtype="<f2").astype(np.float32).reshape(shape)
    if dtype == "BF16":
        # bfloat16 is the upper half of a float32
        widened = np.frombuffer(data, dtype="<u2").astype(np.uint32) << 16
        return widened.view(np.float32).reshape(shape)
    raise UnsupportedModel(f"{path}: {name} is {dtype}; float32, float16 and bfloat16 are supported")


def _tokenizer(path: Path, vocab_size: int) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception
        raise CorruptModel(f"{path}: {error}") from error
    # As it was saved: a window is never padded, and what is cut is for those to say who know the query
    tokenizer.no_padding()
    tokenizer.no_truncation()
    highest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
    if highest >= vocab_size:
        raise ConfigurationError(
            f"{path} has token id {highest}, but the model's vocabulary ends at {vocab_size - 1}"
        )
    return tokenizer


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in (CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE):
        with (folder / file).open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
