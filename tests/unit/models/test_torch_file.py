"""torch's files, read without torch, and without running anything."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jrerank.errors import CorruptModel, UnsupportedModel
from jrerank.models.torch_file import torch_tensors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pytorch_model.bin"


def values(path: Path, name: str, dtype: str) -> Any:
    tensor = torch_tensors(path)[name]
    return tensor.bits().view(dtype).reshape(tensor.shape)


@pytest.mark.parametrize(
    ("dtype", "name", "numpy"),
    [
        (torch.float32, "F32", "<f4"),
        (torch.float16, "F16", "<f2"),
        (torch.float64, "F64", "<f8"),
        (torch.int64, "I64", "<i8"),
        (torch.uint8, "U8", "u1"),
        (torch.bool, "BOOL", "?"),
    ],
)
def test_every_type_is_read_bit_by_bit(dtype: torch.dtype, name: str, numpy: str, path: Path) -> None:
    tensor = torch.arange(24).reshape(2, 3, 4).to(dtype)
    torch.save({"x": tensor}, path)
    assert torch_tensors(path)["x"].dtype == name
    np.testing.assert_array_equal(values(path, "x", numpy), tensor.numpy())


def test_views_parameters_scalars_and_empty_tensors_are_tensors(path: Path) -> None:
    whole = torch.arange(60, dtype=torch.float32).reshape(5, 12)
    content = OrderedDict(
        turned=whole.T,
        part=whole[1:4, ::3],
        parameter=torch.nn.Parameter(whole[2]),
        scalar=torch.tensor(3.5),
        empty=torch.zeros(0, 4),
    )
    torch.save(content, path)
    for name, tensor in content.items():
        np.testing.assert_array_equal(values(path, name, "<f4"), tensor.detach().numpy())


def test_a_modules_own_state_is_read_and_what_is_no_tensor_is_left_out(path: Path) -> None:
    state = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).state_dict()
    torch.save({**state, "epoch": 3, "notes": ["a", {"b": 1.5}]}, path)
    assert set(torch_tensors(path)) == set(state)


class Evil:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("place", ["value", "key"])
def test_nothing_that_a_file_names_is_run(place: str, path: Path, tmp_path: Path) -> None:
    evil = Evil(tmp_path / "touched")
    torch.save({"x": torch.zeros(1), "y": evil} if place == "value" else {evil: 1}, path)
    with pytest.raises(
        UnsupportedModel, match=r"holds (posix|nt)\.system, which is not a tensor; nothing of it"
    ):
        torch_tensors(path)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("torch", "load"),
        ("torch._utils", "_rebuild_wrapper_subclass"),
        ("torch.serialization", "_get_layout"),
        ("jrerank.models.torch_file", "_tensor"),
        ("collections", "OrderedDict.fromkeys"),
    ],
)
def test_only_what_a_state_dict_is_made_of_may_be_named(module: str, name: str, path: Path) -> None:
    pickled = (
        b"\x80\x04"
        + b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
        + b"\x93."
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
    with pytest.raises(UnsupportedModel, match=f"{module}.{name}"):
        torch_tensors(path)


def forged(path: Path, **changes: object) -> Path:
    """An archive with one tensor, some of whose numbers are not what torch would write."""
    numbers = {"offset": 0, "shape": (2, 2), "strides": (2, 1)} | changes

    class Tensor:
        def __reduce__(self) -> Any:
            return torch._utils._rebuild_tensor_v2, (
                storage,
                numbers["offset"],
                numbers["shape"],
                numbers["strides"],
                False,
                OrderedDict(),
            )

    storage = object()

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: object) -> object:
            return ("storage", torch.FloatStorage, "0", "cpu", 4) if obj is storage else None

    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("archive/data.pkl", "w") as stream:
            Pickler(stream, protocol=2).dump({"x": Tensor()})
        archive.writestr("archive/data/0", np.arange(4, dtype="<f4").tobytes())
    return path


def test_a_forged_tensor_that_is_as_it_should_be_is_read(path: Path) -> None:
    assert torch_tensors(forged(path))["x"].bits().view("<f4").tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "changes",
    [
        {"offset": 1},
        {"offset": 10**12},
        {"offset": -1},
        {"shape": (2, 3)},
        {"shape": (10**9, 10**9)},
        {"strides": (3, 1)},
        {"strides": (-2, 1)},
        {"strides": (1,)},
        {"shape": "big"},
        {"offset": None},
    ],
    ids=str,
)
def test_no_tensor_reads_beyond_its_storage(changes: dict[str, object], path: Path) -> None:
    with pytest.raises(CorruptModel, match=r"pytorch_model\.bin"):
        torch_tensors(forged(path, **changes))["x"].bits()


def test_a_file_of_before_torch_1_6_is_refused_with_what_to_do(path: Path) -> None:
    torch.save({"x": torch.zeros(1)}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(CorruptModel, match=r"torch before 1\.6: load it with transformers and save it again"):
        torch_tensors(path)


def test_a_file_from_a_big_endian_machine_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/byteorder", "big")
    with pytest.raises(UnsupportedModel, match="big-endian"):
        torch_tensors(path)


def test_a_tensor_alone_is_no_state_dict(path: Path) -> None:
    torch.save(torch.zeros(2), path)
    with pytest.raises(UnsupportedModel, match="no state dict"):
        torch_tensors(path)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_damaged_pickle_is_read_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.bin"
    torch.save(OrderedDict(x=torch.zeros(3)), path)
    with zipfile.ZipFile(path) as archive:
        pickled = bytearray(archive.read("damaged/data.pkl"))
    at = data.draw(st.integers(0, len(pickled) - 1))
    pickled[at] = data.draw(st.integers(0, 255))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("damaged/data.pkl", bytes(pickled))
        archive.writestr("damaged/data/0", bytes(12))
    try:
        for tensor in torch_tensors(path).values():
            tensor.bits()
    except (CorruptModel, UnsupportedModel):
        pass
