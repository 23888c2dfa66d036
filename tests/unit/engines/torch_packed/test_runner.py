"""Runs on a device that is read while it computes, by a double that keeps its results back until it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import torch

from jrerank.engines.torch_packed.device_model import DeviceModel, Variant
from jrerank.engines.torch_packed.engine import TorchPackedEngine
from jrerank.engines.torch_packed.graphs import Replay
from jrerank.engines.torch_packed.packing import Buckets
from jrerank.engines.torch_packed.runner import Runner
from jrerank.engines.torch_packed.transfer import Logits, transfer_of
from jrerank.errors import EngineError
from jrerank.models.checkpoint import Checkpoint
from parity import windows_of_lengths

CPU = torch.device("cpu")
BUCKETS = Buckets(tokens=(128,), longest=(64,))
TIMEOUT_S = 20


class KeptBack:
    """Copies in the order of the runs, as a stream does; who waits gets the copy when `release` is set."""

    def __init__(self) -> None:
        self.threads: set[str] = set()
        self.started = threading.Semaphore(0)
        self.release = threading.Event()

    def staged(self, inputs: torch.Tensor) -> torch.Tensor:
        self.threads.add(threading.current_thread().name)
        return inputs

    def read_later(self, output: torch.Tensor, windows: int) -> Callable[[], Logits]:
        copied = output.clone().numpy()[:windows]
        self.threads.add(threading.current_thread().name)
        self.started.release()

        def read() -> Logits:
            assert self.release.wait(TIMEOUT_S)
            return copied

        return read


class OneOutput:
    """A graph writes each time to the same place."""

    def __init__(self, run: Callable[[], torch.Tensor]) -> None:
        self._run = run
        self.output = run().clone()

    def replay(self) -> None:
        self.output.copy_(self._run())


@pytest.mark.parametrize("capture", [None, OneOutput], ids=["kernels", "graphs"])
def test_a_run_is_started_while_the_one_before_is_read(
    checkpoint: Checkpoint, capture: Callable[[Callable[[], torch.Tensor]], Replay] | None
) -> None:
    transfer = KeptBack()
    runner = Runner(CPU, transfer)
    variant = Variant(CPU, "padded", torch.float32)
    model = DeviceModel.load(checkpoint.architecture, checkpoint.weights(), variant)
    runner.use(model, BUCKETS, capture)
    engine = TorchPackedEngine(runner, BUCKETS, budget_tokens=128)
    batches = [windows_of_lengths(30, 7), windows_of_lengths(60)]
    with ThreadPoolExecutor(2) as pool:
        results: Sequence[Future[list[float | EngineError]]] = [
            pool.submit(engine.score, batch) for batch in batches
        ]
        for _ in batches:
            assert transfer.started.acquire(timeout=TIMEOUT_S)
        assert not any(result.done() for result in results)
        transfer.release.set()
        together = [result.result(TIMEOUT_S) for result in results]
    assert together == [engine.score(batch) for batch in batches]
    assert transfer.threads == {"jrerank-cpu_0"}
    runner.close()


def test_only_cuda_has_two_batches_in_flight() -> None:
    kinds = {name: type(transfer_of(torch.device(name))).__name__ for name in ("cuda", "cpu", "mps", "xpu")}
    assert kinds == {"cuda": "Pinned", "cpu": "Immediate", "mps": "Immediate", "xpu": "Immediate"}
    workers = {
        name: TorchPackedEngine(Runner(torch.device(name)), BUCKETS, 128).workers for name in ("cuda", "cpu")
    }
    assert workers == {"cuda": 2, "cpu": 1}
