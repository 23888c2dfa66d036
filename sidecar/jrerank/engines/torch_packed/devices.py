"""`--device` -> the devices to use, and the ways to compute on each, the fastest first."""

from __future__ import annotations

import re

import torch

from jrerank.engines.torch_packed.device_model import Kernel, Variant
from jrerank.errors import ConfigurationError

_DEVICE = re.compile(r"(auto|cpu|mps|cuda|xpu)|(cuda|xpu):(\d+)")
# Flash attention needs Ampere or later
_VARLEN_CAPABILITY = (8, 0)
_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


def devices(name: str) -> list[torch.device]:
    """The devices of that name: `cuda` is every GPU that is visible, `cuda:1` one of them. `auto` is CUDA, or else the CPU.

    Raises:
        ConfigurationError: there is no such device, or this torch cannot use it.
    """
    if not _DEVICE.fullmatch(name):
        raise ConfigurationError(f"device {name!r} is not one of auto, cpu, cuda, cuda:0, mps, xpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind == "cpu":
        return [torch.device("cpu")]
    if kind == "mps":
        if not torch.backends.mps.is_available():
            raise ConfigurationError(f"device mps: {missing('mps')}")
        return [torch.device("mps")]
    count = getattr(torch, kind).device_count()
    if not count or (number and int(number) >= count):
        raise ConfigurationError(f"device {name}: {missing(kind)}")
    numbers = [int(number)] if number else range(count)
    return [torch.device(kind, index) for index in numbers]


def sees_cuda() -> bool:
    """Whether torch can use a GPU of NVIDIA or AMD."""
    return torch.cuda.is_available()


def missing(kind: str) -> str:
    """What keeps torch from using a device of this kind, for people."""
    if kind == "mps":
        return "torch finds no Apple GPU (macOS 14 or later on Apple silicon)"
    if kind == "xpu":
        return f"torch {torch.__version__} sees no such Intel GPU"
    if torch.version.cuda is None and torch.version.hip is None:
        return f"torch {torch.__version__} is built without CUDA: install the build for your driver from pytorch.org"
    count = torch.cuda.device_count()
    return f"torch {torch.__version__} sees {count} GPUs; is the driver installed, and CUDA_VISIBLE_DEVICES right?"


def variants(device: torch.device, precision: str) -> list[Variant]:
    """The ways to compute on a device, the one to prefer first. `precision` fp16, bf16 or fp32 leaves that alone.

    Half precision is fp16 where it holds: on the models tried it changed the order of no passages, bf16 that of every fifth query.
    """
    if precision in _DTYPES:
        dtypes = [_DTYPES[precision]]
    elif device.type == "cpu":
        dtypes = [torch.float32]
    else:
        dtypes = [torch.float16, torch.bfloat16, torch.float32]
    return [
        Variant(device, kernel, dtype)
        for kernel in _kernels(device)
        for dtype in dtypes
        if kernel != "varlen" or dtype != torch.float32
    ]


def _kernels(device: torch.device) -> tuple[Kernel, ...]:
    if device.type == "cpu":
        return ("each",)
    if device.type == "cuda" and (
        torch.version.hip is not None or torch.cuda.get_device_capability(device) >= _VARLEN_CAPABILITY
    ):
        return ("varlen", "padded")
    return ("padded",)
