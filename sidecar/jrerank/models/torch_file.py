"""Tensors that `torch.save` has written, read without torch and without running anything.

Such a file is a ZIP archive with a pickle, `data.pkl`, and the bytes of each storage under `data/`. A pickle names the functions
that build its objects. Here only those of tensors and of the dictionary around them have a meaning, and what they name is ours.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from pickle import UnpicklingError
from typing import IO

import numpy as np
import numpy.typing as npt

from jrerank.errors import CorruptModel, UnsupportedModel

# torch's storage classes -> safetensors' name of the type, bytes of a number
_STORAGES: Mapping[str, tuple[str, int]] = {
    "FloatStorage": ("F32", 4),
    "HalfStorage": ("F16", 2),
    "BFloat16Storage": ("BF16", 2),
    "DoubleStorage": ("F64", 8),
    "LongStorage": ("I64", 8),
    "IntStorage": ("I32", 4),
    "ShortStorage": ("I16", 2),
    "CharStorage": ("I8", 1),
    "ByteStorage": ("U8", 1),
    "BoolStorage": ("BOOL", 1),
}


@dataclass(frozen=True, slots=True)
class TorchTensor:
    """A tensor of the archive. `bits` reads its numbers, in the order of its shape, as bytes."""

    dtype: str
    shape: tuple[int, ...]
    bits: Callable[[], npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class _StorageClass:
    dtype: str
    item_bytes: int


@dataclass(frozen=True, slots=True)
class _Storage:
    path: Path
    entry: str
    dtype: str
    item_bytes: int

    def read(self) -> npt.NDArray[np.uint8]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                return np.frombuffer(archive.read(self.entry), dtype=np.uint8)
        except (KeyError, OSError, zipfile.BadZipFile) as error:
            raise CorruptModel(f"{self.path}: {self.entry} cannot be read: {error}") from error


def torch_tensors(path: Path) -> dict[str, TorchTensor]:
    """The tensors of a state dict by name; what else it holds is left out.

    Raises:
        CorruptModel: the file is damaged.
        UnsupportedModel: it holds objects that are not tensors, or is of before torch 1.6.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            root = _root(path, archive)
            with archive.open(f"{root}data.pkl") as stream:
                content = _Unpickler(stream, path, root).load()
    except zipfile.BadZipFile as error:
        raise CorruptModel(
            f"{path} is damaged, or was saved by torch before 1.6: load it with transformers and save it again"
        ) from error
    except (UnsupportedModel, CorruptModel):
        raise
    except Exception as error:  # damaged pickles raise whatever their opcodes come upon
        raise CorruptModel(f"{path}: {error or type(error).__name__}") from error
    if not isinstance(content, dict):
        raise UnsupportedModel(f"{path} holds no state dict")
    return {name: each for name, each in content.items() if isinstance(each, TorchTensor)}


def _root(path: Path, archive: zipfile.ZipFile) -> str:
    """The folder that everything in the archive is in, with a slash."""
    for entry in archive.namelist():
        if entry.endswith("byteorder") and archive.read(entry).strip() != b"little":
            raise UnsupportedModel(f"{path} was saved on a big-endian machine: save it again on another")
    for entry in archive.namelist():
        if entry.rpartition("/")[2] == "data.pkl":
            return entry.removesuffix("data.pkl")
    raise CorruptModel(f"{path} has no data.pkl")


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: IO[bytes], path: Path, root: str) -> None:
        super().__init__(stream)
        self._path, self._root = path, root

    def find_class(self, module: str, name: str) -> object:
        """Only what a state dict is made of; nothing that a file could use to run something."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if module == "torch" and name in _STORAGES:
            return _StorageClass(*_STORAGES[name])
        raise self._refusal(f"{module}.{name}")

    def persistent_load(self, pid: object) -> _Storage:
        """A storage: ("storage", class, key, device, numbers in it)."""
        match pid:
            case ("storage", _StorageClass(dtype, item_bytes), str(key), *_):
                return _Storage(self._path, f"{self._root}data/{key}", dtype, item_bytes)
        raise self._refusal(repr(pid))

    def _refusal(self, what: str) -> UnsupportedModel:
        return UnsupportedModel(
            f"{self._path} holds {what}, which is not a tensor; nothing of it was run. If you trust the file, load it with"
            " transformers and save it again with safetensors"
        )


def _tensor(storage: object, offset: object, shape: object, strides: object, *_: object) -> TorchTensor:
    """What `torch._utils._rebuild_tensor_v2` would build: `shape` numbers from `offset` of the storage on."""
    if not isinstance(storage, _Storage):
        raise UnpicklingError("a tensor is built from something else than a storage")
    if not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise UnpicklingError(f"a tensor has the shape {shape!r} and the strides {strides!r}")
    numbers = [offset, *shape, *strides]
    if not all(isinstance(number, int) and number >= 0 for number in numbers) or len(shape) != len(strides):
        raise UnpicklingError(f"a tensor has the shape {shape!r} and the strides {strides!r}")
    first = offset if isinstance(offset, int) else 0
    return TorchTensor(storage.dtype, shape, lambda: _bits(storage, first, shape, strides))


def _parameter(data: object, *_: object) -> object:
    return data


def _bits(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> npt.NDArray[np.uint8]:
    items = storage.read()
    items = items[: len(items) // storage.item_bytes * storage.item_bytes].reshape(-1, storage.item_bytes)
    if prod(shape) == 0:
        return np.empty(0, dtype=np.uint8)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if last >= len(items):
        raise CorruptModel(f"{storage.path}: {storage.entry} ends before a tensor of shape {shape} does")
    steps = [stride * storage.item_bytes for stride in strides]
    placed = np.lib.stride_tricks.as_strided(items[offset:], (*shape, storage.item_bytes), (*steps, 1))
    return np.ascontiguousarray(placed).reshape(-1)
