"""A ModernBERT cross-encoder as files: configuration, weights, tokenizer, fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import safetensors
from tokenizers import Tokenizer

from jrerank.errors import ConfigurationError, CorruptModel, ModelNotFound, UnsupportedModel
from jrerank.models.config import ModernBertConfig

Float32Array = npt.NDArray[np.float32]
Weights = Mapping[str, Float32Array]

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"

_deserialize: Callable[[bytes], list[tuple[str, Mapping[str, object]]]] = safetensors.deserialize


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model that can be served.

    `weights` reads the tensors anew each time, as float32: they are needed only to build.
    """

    name: str
    config: ModernBertConfig
    tokenizer: Tokenizer
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
    config = ModernBertConfig.from_json(_json(folder / CONFIG_FILE))
    _check_shapes(folder / WEIGHTS_FILE, config)
    return Checkpoint(
        name=name,
        config=config,
        tokenizer=_tokenizer(folder / TOKENIZER_FILE, config),
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


def expected_shapes(config: ModernBertConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor that a checkpoint of this configuration has to hold."""
    hidden, inner = config.hidden_size, config.intermediate_size
    shapes: dict[str, tuple[int, ...]] = {
        "model.embeddings.tok_embeddings.weight": (config.vocab_size, hidden)
    }
    shapes |= _norm("model.embeddings.norm", hidden, config.norm_bias)
    for i in range(config.num_layers):
        layer = f"model.layers.{i}"
        if i > 0:
            shapes |= _norm(f"{layer}.attn_norm", hidden, config.norm_bias)
        shapes |= _linear(f"{layer}.attn.Wqkv", 3 * hidden, hidden, config.attention_bias)
        shapes |= _linear(f"{layer}.attn.Wo", hidden, hidden, config.attention_bias)
        shapes |= _norm(f"{layer}.mlp_norm", hidden, config.norm_bias)
        shapes |= _linear(f"{layer}.mlp.Wi", 2 * inner, hidden, config.mlp_bias)
        shapes |= _linear(f"{layer}.mlp.Wo", hidden, inner, config.mlp_bias)
    shapes |= _norm("model.final_norm", hidden, config.norm_bias)
    shapes |= _linear("head.dense", hidden, hidden, config.classifier_bias)
    shapes |= _norm("head.norm", hidden, config.norm_bias)
    return shapes | _linear("classifier", 1, hidden, bias=True)


def _norm(name: str, size: int, bias: bool) -> dict[str, tuple[int, ...]]:
    return {f"{name}.{part}": (size,) for part in (("weight", "bias") if bias else ("weight",))}


def _linear(name: str, outputs: int, inputs: int, bias: bool) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": (outputs, inputs)}
    return shapes | {f"{name}.bias": (outputs,)} if bias else shapes


def _json(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise CorruptModel(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise CorruptModel(f"{path} is not a JSON object")
    return content


def _check_shapes(path: Path, config: ModernBertConfig) -> None:
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise CorruptModel(f"{path}: {error}") from error
    for name, shape in expected_shapes(config).items():
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


def _tokenizer(path: Path, config: ModernBertConfig) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception
        raise CorruptModel(f"{path}: {error}") from error
    highest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
    if highest >= config.vocab_size:
        raise ConfigurationError(
            f"{path} has token id {highest}, but the model's vocabulary ends at {config.vocab_size - 1}"
        )
    return tokenizer


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in (CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE):
        with (folder / file).open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
