"""Which engine computes. Nothing here imports torch: that takes seconds, and the base installation has none."""

from __future__ import annotations

import importlib.util
import platform
import sys
from pathlib import Path

from jrerank.errors import ConfigurationError
from jrerank.settings import Settings

# What the drivers of NVIDIA, AMD and, within WSL, of either put there
_GPU_FILES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
_CPU_DEVICES = ("auto", "cpu")


def use_torch(settings: Settings) -> bool:
    """Whether torch computes, rather than onnxruntime on the CPU.

    Raises:
        ConfigurationError: the settings contradict each other, or torch is needed and isn't installed.
    """
    if settings.engine == "onnx" or (settings.engine == "auto" and not _prefers_torch(settings)):
        _check_onnx(settings)
        return False
    if not has_torch():
        raise ConfigurationError(
            f"engine {settings.engine} on device {settings.device} needs torch: pip install 'jrerank[torch]'"
        )
    return True


def has_torch() -> bool:
    """Whether torch is installed."""
    return importlib.util.find_spec("torch") is not None


def has_gpu_driver(files: tuple[str, ...] = _GPU_FILES) -> bool:
    """Whether there may be a GPU for torch's `cuda`; on Windows only torch knows."""
    return sys.platform == "win32" or any(Path(file).exists() for file in files)


def faster(settings: Settings) -> str | None:
    """What would be faster than onnx on this machine, and what is missing to use it; for people."""
    if settings.engine == "onnx" or settings.device == "cpu":
        return None
    if has_gpu_driver() and sys.platform != "win32":
        missing = "torch sees no GPU" if has_torch() else "pip install 'jrerank[torch]'"
        return f"there is a GPU, which would be faster: {missing}"
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "Apple's GPU has not been tried yet: --device mps"
    return None


def _prefers_torch(settings: Settings) -> bool:
    if settings.device not in _CPU_DEVICES:
        return True
    return settings.device == "auto" and has_gpu_driver() and has_torch() and _sees_cuda()


def _sees_cuda() -> bool:
    from jrerank.engines.torch_packed.devices import sees_cuda  # noqa: PLC0415  torch is an extra

    return sees_cuda()


def _check_onnx(settings: Settings) -> None:
    if settings.device not in _CPU_DEVICES:
        raise ConfigurationError(
            f"engine onnx computes on the CPU; device {settings.device} needs engine torch"
        )
