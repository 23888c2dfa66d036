"""What would be faster than what serves, and what is missing to use it: for people, in `doctor`."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from jrerank.cpu import cpu_features
from jrerank.engines.accelerators import has_gpu_driver
from jrerank.engines.torch_packed.device_model import Variant
from jrerank.engines.torch_packed.devices import missing, sees_cuda

# Of Linux: Intel's matrix unit, and the products of Zen 4 and Cooper Lake; of Arm
_BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16", "svebf16"})
_VARLEN_TORCH = (2, 11)
_VARLEN_CAPABILITY = (8, 0)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides how fast a device can be used. `capability` is that of a GPU of NVIDIA, else None."""

    torch_version: tuple[int, ...]
    capability: tuple[int, int] | None
    cpu_has_bf16: bool
    missing_cuda: str | None
    has_compiler: bool
    has_triton: bool

    @classmethod
    def of(cls, device: torch.device) -> Surroundings:
        """Of a device of this process."""
        is_nvidia = device.type == "cuda" and torch.version.hip is None
        return cls(
            torch_version=tuple(map(int, re.findall(r"\d+", torch.__version__)[:2])),
            capability=torch.cuda.get_device_capability(device) if is_nvidia else None,
            cpu_has_bf16=bool(_BF16_FLAGS & cpu_features().flags),
            missing_cuda=missing("cuda") if has_gpu_driver() and not sees_cuda() else None,
            has_compiler=shutil.which(os.environ.get("CC", "cc")) is not None,
            has_triton=importlib.util.find_spec("triton") is not None,
        )


def device_name(device: torch.device) -> str:
    """As the driver calls it, with its memory."""
    if device.type != "cuda":
        return str(device)
    properties = torch.cuda.get_device_properties(device)
    return f"{device}, {properties.name}, {properties.total_memory / 2**30:.0f} GiB"


def faster(variant: Variant, around: Surroundings) -> list[str]:
    """What would be faster than computing this way."""
    kind = variant.device.type
    return list({"cpu": _on_cpu, "cuda": _on_cuda}.get(kind, _elsewhere)(variant, around))


def _on_cpu(variant: Variant, around: Surroundings) -> Iterator[str]:
    if around.missing_cuda is not None:
        yield f"a GPU would be faster: {around.missing_cuda}"
    if sees_cuda():
        yield "a GPU would be faster: --device cuda"
    if variant.dtype == torch.float32 and around.cpu_has_bf16:
        yield "this CPU computes bf16, which is faster: --precision bf16"
    yield "int8 is faster on a CPU: --engine onnx"


def _on_cuda(variant: Variant, around: Surroundings) -> Iterator[str]:
    if variant.kernel == "padded":
        if around.capability is not None and around.capability < _VARLEN_CAPABILITY:
            major, minor = around.capability
            yield f"flash attention needs a GPU of compute capability 8.0 or later, not {major}.{minor}"
        elif around.torch_version < _VARLEN_TORCH:
            yield "flash attention needs torch 2.11 or later"
    if not around.has_triton:
        yield "fused kernels need Triton: pip install triton"
    elif not around.has_compiler:
        yield "fused kernels need a C compiler: install gcc, or name one in CC"


def _elsewhere(variant: Variant, around: Surroundings) -> Iterator[str]:
    if variant.dtype == torch.float32:
        yield "half precision would be faster, but was refused"
