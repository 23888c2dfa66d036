"""What would be faster on machines that nobody here has."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from jrerank.engines.torch_packed import advice
from jrerank.engines.torch_packed.advice import Surroundings, device_name, faster
from jrerank.engines.torch_packed.device_model import Variant

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
H100 = Surroundings((2, 15), (9, 0), False, None, True, True)
PLAIN_CPU = Surroundings((2, 15), None, False, None, True, True)
ONNX = "int8 is faster on a CPU: --engine onnx"
FLASH = Variant(CUDA, "varlen", torch.float16)
PADDED = Variant(CUDA, "padded", torch.float16)
ON_CPU = Variant(CPU, "each", torch.float32)


@pytest.mark.parametrize(
    ("variant", "around", "advised"),
    [
        (FLASH, H100, []),
        (FLASH, replace(H100, has_triton=False), ["fused kernels need Triton: pip install triton"]),
        (
            FLASH,
            replace(H100, has_compiler=False),
            ["fused kernels need a C compiler: install gcc, or name one in CC"],
        ),
        (
            PADDED,
            replace(H100, capability=(7, 5)),
            ["flash attention needs a GPU of compute capability 8.0 or later, not 7.5"],
        ),
        (PADDED, replace(H100, torch_version=(2, 10)), ["flash attention needs torch 2.11 or later"]),
        (PADDED, H100, []),  # what was refused is said anyway
        (ON_CPU, PLAIN_CPU, [ONNX]),
        (
            ON_CPU,
            replace(PLAIN_CPU, cpu_has_bf16=True),
            ["this CPU computes bf16, which is faster: --precision bf16", ONNX],
        ),
        (Variant(CPU, "each", torch.bfloat16), replace(PLAIN_CPU, cpu_has_bf16=True), [ONNX]),
        (
            ON_CPU,
            replace(PLAIN_CPU, missing_cuda="the driver"),
            ["a GPU would be faster: the driver", ONNX],
        ),
        (
            Variant(torch.device("mps"), "padded", torch.float32),
            PLAIN_CPU,
            ["half precision would be faster, but was refused"],
        ),
    ],
)
def test_what_is_missing_is_named(variant: Variant, around: Surroundings, advised: list[str]) -> None:
    assert faster(variant, around) == advised


def test_a_gpu_that_is_not_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "sees_cuda", lambda: True)
    assert faster(ON_CPU, PLAIN_CPU) == ["a GPU would be faster: --device cuda", ONNX]


def test_this_machine_is_read() -> None:
    around = Surroundings.of(CPU)
    assert around.torch_version >= (2, 11)
    assert around.capability is None
    assert device_name(CPU) == "cpu"


def test_a_driver_that_torch_does_not_use_is_something_that_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(advice, "has_gpu_driver", lambda: True)
    assert str(Surroundings.of(CPU).missing_cuda).startswith(f"torch {torch.__version__}")
