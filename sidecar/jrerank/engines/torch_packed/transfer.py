"""How numbers get to a device and back: at once, or while it computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Logits = npt.NDArray[np.float32]


class Transfer(Protocol):
    """Both methods are called in the device's thread; what `read_later` returns, in that of whoever waits."""

    def staged(self, inputs: Tensor) -> Tensor:
        """Inputs on the host, where the device copies them from."""
        ...

    def read_later(self, output: Tensor, windows: int) -> Callable[[], Logits]:
        """Waits for the first `windows` logits of a run that has been started. The next run may overwrite `output`."""
        ...


class Immediate:
    """Waits for each run: CPUs, and devices that only one thread may touch."""

    def staged(self, inputs: Tensor) -> Tensor:
        """See `Transfer.staged`."""
        return inputs

    def read_later(self, output: Tensor, windows: int) -> Callable[[], Logits]:
        """See `Transfer.read_later`."""
        logits: Logits = output.cpu().numpy()[:windows].copy()
        return lambda: logits


class Pinned:
    """CUDA: copies by the device itself, in the order of its stream, so that the next run can be started meanwhile."""

    def staged(self, inputs: Tensor) -> Tensor:
        """See `Transfer.staged`."""
        return inputs.pin_memory()

    def read_later(self, output: Tensor, windows: int) -> Callable[[], Logits]:
        """See `Transfer.read_later`."""
        host = torch.empty(output.shape, dtype=output.dtype, pin_memory=True)
        host.copy_(output, non_blocking=True)
        cuda: Any = torch.cuda  # partly without types
        copied = cuda.Event()
        copied.record()

        def read() -> Logits:
            copied.synchronize()
            logits: Logits = host.numpy()[:windows].copy()
            return logits

        return read


def transfer_of(device: torch.device) -> Transfer:
    """The one that suits a device."""
    return Pinned() if device.type == "cuda" else Immediate()
