"""Captured CUDA graphs, one per bucket: the some 300 kernels of a run are launched as one.

A graph reads its inputs where they were when it was captured, and writes its logits to the same place each time. What it reads
on the host (the number of windows, the longest) is fixed, and so part of the bucket; where windows begin is read on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import Tensor

from jrerank.engines.torch_packed.packing import Bucket

_WARM_UP_RUNS = 3


class Replay(Protocol):
    """A captured run."""

    def replay(self) -> None:
        """Compute `output` from what is in the inputs now."""
        ...

    @property
    def output(self) -> Tensor:
        """Where the logits are written."""
        ...


Capture = Callable[[Callable[[], Tensor]], Replay]


class CapturedRun:
    """A run on static inputs."""

    def __init__(self, run: Callable[[Tensor], Tensor], example: Tensor, capture: Capture) -> None:
        """Capture `run`; `example` are inputs on the device, which are kept."""
        self._inputs = example
        self._graph = capture(lambda: run(self._inputs))

    def logits(self, inputs: Tensor) -> Tensor:
        """Copy the inputs over and replay. The result is overwritten by the next call, in the stream's order."""
        self._inputs.copy_(inputs, non_blocking=True)
        self._graph.replay()
        return self._graph.output


class CudaReplay:
    """`torch.cuda.CUDAGraph` behind `Replay`."""

    def __init__(self, run: Callable[[], Tensor], pool: Any) -> None:
        """Run a few times, so that libraries have set themselves up, then capture."""
        cuda: Any = torch.cuda  # partly without types
        stream = cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_RUNS):
                run()
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        # Only this thread's calls are checked for what may not be captured: others copy meanwhile
        with torch.cuda.graph(self._graph, pool=pool, capture_error_mode="thread_local"):
            self.output = run()

    def replay(self) -> None:
        """See `Replay.replay`."""
        self._graph.replay()


def cuda_capture() -> Capture:
    """Captures graphs that share one pool of memory: they never run at the same time."""
    pool = torch.cuda.graph_pool_handle()
    return lambda run: CudaReplay(run, pool)


def capture_order(buckets: Iterable[Bucket]) -> list[Bucket]:
    """The largest first: the smaller ones then fit into its memory."""
    return sorted(buckets, key=lambda bucket: bucket.tokens, reverse=True)
