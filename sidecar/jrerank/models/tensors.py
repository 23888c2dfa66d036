"""The tensors of a checkpoint's folder, whichever files they are in; each is read when it is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import safetensors

from jrerank.errors import CorruptModel, ModelNotFound, UnsupportedModel
from jrerank.models.architectures.architecture import Float32Array
from jrerank.models.json_file import read_json
from jrerank.models.torch_file import torch_tensors

WEIGHTS_FILE = "model.safetensors"
# In the order in which they are looked for: each is the file itself, or the index of its shards
_WEIGHTS_FILES = (
    WEIGHTS_FILE,
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
SAFETENSORS_PATTERNS = (WEIGHTS_FILE, "model.safetensors.index.json", "model-*-of-*.safetensors")
TORCH_PATTERNS = ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin")
# BERT's authors called them so, and checkpoints that were converted then still do
_OLD_ENDINGS = {".LayerNorm.gamma": ".LayerNorm.weight", ".LayerNorm.beta": ".LayerNorm.bias"}
_HEADER_LENGTH_BYTES = 8
_TYPES = ("F32", "F16", "BF16")


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor in a file. `bits` reads it as little-endian numbers of type `dtype`, which is safetensors' name for it."""

    path: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    bits: Callable[[], npt.NDArray[np.uint8]]

    def check_type(self) -> None:
        """Whether `read` can read it.

        Raises:
            UnsupportedModel: it can't.
        """
        if self.dtype not in _TYPES:
            raise UnsupportedModel(
                f"{self.path}: {self.name} is {self.dtype}; float32, float16 and bfloat16 are supported"
            )

    def read(self) -> Float32Array:
        """The values as float32; float16 and bfloat16 are widened, which is exact.

        Raises:
            UnsupportedModel: the tensor is of another type.
        """
        self.check_type()
        match self.dtype:
            case "F16":
                return self.bits().view("<f2").astype(np.float32).reshape(self.shape)
            case "BF16":  # the upper half of a float32
                widened = self.bits().view("<u2").astype(np.uint32) << 16
                return widened.view(np.float32).reshape(self.shape)
        return self.bits().view("<f4").reshape(self.shape)


def weights_files(folder: Path) -> list[Path]:
    """The files that hold a checkpoint's tensors; an index comes before its shards.

    Raises:
        ModelNotFound: there are none, or a shard is missing.
        CorruptModel: an index isn't one.
    """
    for name in _WEIGHTS_FILES:
        if (folder / name).is_file():
            return [folder / name, *_shards(folder / name)]
    raise ModelNotFound(
        f"{folder} has no {WEIGHTS_FILE}, nor its shards, nor pytorch_model.bin; save the model with transformers"
    )


def stored_tensors(folder: Path) -> dict[str, StoredTensor]:
    """All tensors of a checkpoint by name, of whatever type.

    Raises:
        ModelNotFound, CorruptModel: see `weights_files`; or a file is damaged.
        UnsupportedModel: a file holds something else than tensors.
    """
    tensors: dict[str, StoredTensor] = {}
    for path in weights_files(folder):
        if path.suffix == ".safetensors":
            tensors |= _safetensors(path)
        elif path.suffix == ".bin":
            found = torch_tensors(path)
            tensors |= {
                name: StoredTensor(path, name, each.dtype, each.shape, each.bits)
                for name, each in found.items()
            }
    return {_renamed(name): tensor for name, tensor in tensors.items()}


def _shards(path: Path) -> list[Path]:
    if path.suffix != ".json":
        return []
    names = read_json(path).get("weight_map")
    if not isinstance(names, Mapping) or not names:
        raise CorruptModel(f"{path} has no weight_map")
    shards = []
    for name in sorted({str(name) for name in names.values()}):
        if Path(name).name != name or Path(name).suffix not in {".safetensors", ".bin"}:
            raise CorruptModel(f"{path}: {name!r} is not the name of a shard beside it")
        if not (path.parent / name).is_file():
            raise ModelNotFound(f"{path.parent} has no {name}, which {path.name} names")
        shards.append(path.parent / name)
    return shards


def _safetensors(path: Path) -> dict[str, StoredTensor]:
    """The library checks the header; the values are mapped, so that what isn't read isn't in memory."""
    try:
        with safetensors.safe_open(path, framework="numpy"):
            content = np.memmap(path, dtype=np.uint8, mode="r")
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise CorruptModel(f"{path}: {error}") from error
    begin = _HEADER_LENGTH_BYTES + int(content[:_HEADER_LENGTH_BYTES].view("<u8")[0])
    header = json.loads(content[_HEADER_LENGTH_BYTES:begin].tobytes())
    header.pop("__metadata__", None)
    return {name: _mapped(path, name, entry, content[begin:]) for name, entry in header.items()}


def _mapped(path: Path, name: str, entry: Mapping[str, object], data: npt.NDArray[np.uint8]) -> StoredTensor:
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not isinstance(shape, list) or not isinstance(offsets, list):
        raise CorruptModel(f"{path}: {name} cannot be read")
    first, last = offsets
    return StoredTensor(path, name, str(entry["dtype"]), tuple(shape), lambda: np.asarray(data[first:last]))


def _renamed(name: str) -> str:
    for old, new in _OLD_ENDINGS.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name
