"""The thread that owns a device: everything that touches it is done there.

On Apple silicon two threads that use the device crash the process (pytorch#197805), and a CUDA graph has one place for its
inputs. Two runs may still be in flight: while one is computed, the next is packed and copied by those who wait.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from jrerank.domain import Window
from jrerank.engines.torch_packed.device_model import DeviceModel
from jrerank.engines.torch_packed.graphs import Capture, CapturedRun, capture_order
from jrerank.engines.torch_packed.packing import Bucket, Buckets, PackedBatch, pack
from jrerank.engines.torch_packed.transfer import Logits, Transfer, transfer_of

_EXAMPLE = Window(array("i", [0]), 0)
T = TypeVar("T")


class Runner:
    """Runs packed batches of one model. `logits` may be called from several threads."""

    def __init__(self, device: torch.device, transfer: Transfer | None = None) -> None:
        """Start the thread. `transfer` is what suits the device, unless given."""
        self.device = device
        self._transfer = transfer or transfer_of(device)
        self._model: DeviceModel | None = None
        self._graphs: dict[Bucket, CapturedRun] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"jrerank-{device.type}")

    def on_device(self, work: Callable[[], T]) -> T:
        """Do something in the device's thread, and wait for it."""
        return self._thread.submit(work).result()

    def close(self) -> None:
        """Finish what is being run, and stop the thread."""
        self._thread.shutdown()

    def use(self, model: DeviceModel, buckets: Buckets | None = None, capture: Capture | None = None) -> None:
        """Run this model from now on, in graphs of these buckets where there is a `capture`.

        The model before it serves until then: runs have their turn between two captures.
        """
        graphs: dict[Bucket, CapturedRun] = {}
        if capture is not None and buckets is not None:
            for bucket in capture_order(buckets.all):
                graphs[bucket] = self.on_device(partial(self._captured, model, bucket, capture))

        def swap() -> None:
            self._model, self._graphs = model, graphs

        self.on_device(swap)

    def logits(self, batch: PackedBatch) -> Logits:
        """The logits of the batch's real windows.

        Raises:
            torch.OutOfMemoryError: the device has not enough memory for the batch.
        """
        return self._thread.submit(self._launch, batch).result()()

    def free_memory(self) -> None:
        """Give back what torch keeps for later allocations."""
        module: Any = getattr(torch, self.device.type, None)
        if hasattr(module, "empty_cache"):
            self.on_device(module.empty_cache)

    def _captured(self, model: DeviceModel, bucket: Bucket, capture: Capture) -> CapturedRun:
        example = torch.from_numpy(pack([_EXAMPLE], bucket, 0).inputs).to(self.device)
        return CapturedRun(partial(_logits_of, model, bucket), example, capture)

    def _launch(self, batch: PackedBatch) -> Callable[[], Logits]:
        """Start a run. What is returned waits for it, if others may use the device meanwhile."""
        if self._model is None:
            raise RuntimeError("no model is in use")
        inputs = self._transfer.staged(torch.from_numpy(batch.inputs))
        captured = self._graphs.get(batch.bucket)
        if captured is None:
            on_device = inputs.to(self.device, non_blocking=self.device.type == "cuda")
            output = self._model.logits(on_device, batch.bucket)
        else:
            output = captured.logits(inputs)
        return self._transfer.read_later(output, batch.windows)


def _logits_of(model: DeviceModel, bucket: Bucket, inputs: Tensor) -> Tensor:
    return model.logits(inputs, bucket)
