"""The engine on a CPU: order, company, what a device runs out of, what fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jrerank.engines.torch_packed.device_model import DeviceModel, Variant
from jrerank.engines.torch_packed.engine import TorchPackedEngine
from jrerank.engines.torch_packed.packing import Buckets, PackedBatch
from jrerank.engines.torch_packed.runner import Runner
from jrerank.engines.torch_packed.transfer import Logits
from jrerank.errors import EngineError
from jrerank.models.checkpoint import Checkpoint
from parity import windows_of_lengths

CPU = torch.device("cpu")
BUCKETS = Buckets(tokens=(256, 512, 1024), longest=(64, 256))


@pytest.fixture(scope="module")
def runner(checkpoint: Checkpoint) -> Runner:
    running = Runner(CPU)
    variant = Variant(CPU, "each", torch.float32)
    running.use(DeviceModel.load(checkpoint.architecture, checkpoint.weights(), variant))
    return running


class SmallDevice(Runner):
    """A device with memory for so many tokens."""

    def __init__(self, room_tokens: int, error: Callable[[], Exception] = torch.OutOfMemoryError) -> None:
        super().__init__(CPU)
        self.room_tokens = room_tokens
        self.error = error
        self.ran: list[int] = []

    def logits(self, batch: PackedBatch) -> Logits:
        if batch.tokens > self.room_tokens:
            raise self.error()
        self.ran.append(batch.tokens)
        return np.full(batch.windows, 0.5, dtype=np.float32)


def test_logits_come_in_the_order_of_the_windows(runner: Runner) -> None:
    engine = TorchPackedEngine(runner, Buckets(), budget_tokens=10_000)
    windows = windows_of_lengths(30, 5, 200, 64)
    together = engine.score(windows)
    alone = [engine.score([window])[0] for window in windows]
    assert together == pytest.approx(alone, abs=1e-5)
    assert len(set(together)) == 4


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=st.lists(st.integers(1, 256), min_size=1, max_size=8),
    budget=st.sampled_from([64, 256, 600, 1024]),
    cuts=st.sets(st.integers(1, 7)),
)
def test_any_division_into_batches_gives_the_same_logits(
    runner: Runner, lengths: list[int], budget: int, cuts: set[int]
) -> None:
    windows = windows_of_lengths(*lengths)
    whole = TorchPackedEngine(runner, Buckets(), 10_000).score(windows)
    engine = TorchPackedEngine(runner, BUCKETS, budget)
    bounds = [0, *sorted(cut for cut in cuts if cut < len(windows)), len(windows)]
    parts = [engine.score(windows[start:end]) for start, end in itertools.pairwise(bounds)]
    assert [logit for part in parts for logit in part] == pytest.approx(whole, abs=1e-5)


def test_padding_is_what_fills_the_bucket_and_nothing_else(runner: Runner) -> None:
    exact, bucketed = TorchPackedEngine(runner, Buckets(), 1024), TorchPackedEngine(runner, BUCKETS, 1024)
    windows = windows_of_lengths(100, 60, 240)
    exact.score(windows)
    bucketed.score(windows)
    assert (exact.padding_tokens, bucketed.padding_tokens) == (0, 512 - 400)


def out_of_mps_memory() -> Exception:
    return RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)")


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, out_of_mps_memory])
def test_a_device_that_runs_out_of_memory_gets_half_as_much_and_loses_nothing(
    error: Callable[[], Exception],
) -> None:
    device = SmallDevice(200, error)
    engine = TorchPackedEngine(device, Buckets(), budget_tokens=1000)
    assert engine.score(windows_of_lengths(*[100] * 10)) == [0.5] * 10
    assert sum(device.ran) == 1000
    assert engine.batch_limit.tokens <= 250
    device.ran.clear()
    assert engine.score(windows_of_lengths(*[100] * 10)) == [0.5] * 10
    assert max(device.ran) <= 200


def test_a_window_that_does_not_fit_alone_fails_alone() -> None:
    engine = TorchPackedEngine(SmallDevice(200), Buckets(), budget_tokens=1000)
    short, long = engine.score(windows_of_lengths(100, 300))
    assert short == 0.5
    assert isinstance(long, EngineError)
    assert "300 tokens" in str(long)


def test_another_failure_fails_the_windows_of_its_run() -> None:
    device = SmallDevice(0, lambda: RuntimeError("CUDA error: an illegal memory access\nmore"))
    (error,) = TorchPackedEngine(device, Buckets(), 1000).score(windows_of_lengths(7))
    assert str(error) == "torch failed on a window of 7 tokens: CUDA error: an illegal memory access"


def test_what_is_no_number_is_an_error() -> None:
    class Overflowing(SmallDevice):
        def logits(self, batch: PackedBatch) -> Logits:
            return np.array([0.5, np.nan], dtype=np.float32)

    good, bad = TorchPackedEngine(Overflowing(1000), Buckets(), 1000).score(windows_of_lengths(3, 5))
    assert good == 0.5
    assert str(bad) == "the model gave nan for a window of 5 tokens"
