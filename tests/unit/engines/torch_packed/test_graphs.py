"""Captured runs, with a double for CUDA's graphs that runs the function anew on the inputs that it was captured with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from jrerank.engines.torch_packed.device_model import DeviceModel, Variant
from jrerank.engines.torch_packed.graphs import Replay
from jrerank.engines.torch_packed.packing import Bucket, Buckets, pack
from jrerank.engines.torch_packed.runner import Runner
from jrerank.models.checkpoint import Checkpoint
from parity import windows_of_lengths

CPU = torch.device("cpu")
BUCKETS = Buckets(tokens=(128, 256), longest=(64, 128))


class ReplayOnCpu:
    """As a graph: one place for the output, and no host value is read again."""

    def __init__(self, run: Callable[[], torch.Tensor]) -> None:
        self._run = run
        self.output = run().clone()
        self.replays = 0

    def replay(self) -> None:
        self.output.copy_(self._run())
        self.replays += 1


@pytest.fixture
def captured() -> list[ReplayOnCpu]:
    return []


@pytest.fixture
def runner(checkpoint: Checkpoint, captured: list[ReplayOnCpu]) -> Runner:
    def capture(run: Callable[[], torch.Tensor]) -> Replay:
        captured.append(ReplayOnCpu(run))
        return captured[-1]

    running = Runner(CPU)
    variant = Variant(CPU, "padded", torch.float32)
    model = DeviceModel.load(checkpoint.architecture, checkpoint.weights(), variant)
    running.use(model, BUCKETS, capture)
    return running


def test_every_bucket_is_captured_the_largest_first(captured: list[ReplayOnCpu], runner: Runner) -> None:
    windows = [replay.output.shape[0] for replay in captured]
    assert len(windows) == len(BUCKETS.all) == 4
    assert windows[:2] == [bucket.windows for bucket in BUCKETS.all if bucket.tokens == 256]


def test_the_model_before_serves_between_captures(
    checkpoint: Checkpoint, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while a compiled model takes the place of the first one."""
    order: list[str] = []
    windows = windows_of_lengths(20)
    batch = pack(windows, BUCKETS.fitting(windows), 0)
    is_queued = threading.Semaphore(0)
    queue = runner._thread.submit

    def submit(work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        queued = queue(work, *arguments)
        if arguments == (batch,):
            queued.add_done_callback(lambda _: order.append("run"))
            is_queued.release()
        return queued

    def capture(run: Callable[[], torch.Tensor]) -> Replay:
        order.append("capture")
        callers.submit(runner.logits, batch)
        is_queued.acquire()
        return ReplayOnCpu(run)

    monkeypatch.setattr(runner._thread, "submit", submit)
    variant = Variant(CPU, "padded", torch.float32)
    model = DeviceModel.load(checkpoint.architecture, checkpoint.weights(), variant)
    with ThreadPoolExecutor(len(BUCKETS.all)) as callers:
        runner.use(model, BUCKETS, capture)
    assert order == ["capture", "run"] * len(BUCKETS.all)


def test_replays_give_what_the_model_gives_without_graphs(
    checkpoint: Checkpoint, captured: list[ReplayOnCpu], runner: Runner
) -> None:
    plain = Runner(CPU)
    variant = Variant(CPU, "each", torch.float32)
    plain.use(DeviceModel.load(checkpoint.architecture, checkpoint.weights(), variant))
    results = []
    for lengths in ((100, 20), (7, 64, 3), (60,), (100, 20)):
        windows = windows_of_lengths(*lengths)
        batch = pack(windows, BUCKETS.fitting(windows), 0)
        results.append(runner.logits(batch))
        assert results[-1] == pytest.approx(plain.logits(batch), abs=1e-5)
    assert results[0] == pytest.approx(results[3])  # not overwritten by what ran later
    assert sum(replay.replays for replay in captured) == 4


def test_what_fits_no_bucket_runs_without_a_graph(captured: list[ReplayOnCpu], runner: Runner) -> None:
    (logit,) = runner.logits(pack(windows_of_lengths(300), Bucket(300, 1, 300), 0))
    assert np.isfinite(logit)
    assert not any(replay.replays for replay in captured)
