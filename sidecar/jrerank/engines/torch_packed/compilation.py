"""Fused kernels from torch.compile, made in the background: the sidecar serves from the first minute, and gets faster.

Whatever fails here changes nothing: what serves goes on serving.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch

from jrerank.engines.torch_packed.device_model import DeviceModel
from jrerank.engines.torch_packed.graphs import Capture
from jrerank.engines.torch_packed.packing import Buckets
from jrerank.engines.torch_packed.runner import Runner
from jrerank.engines.torch_packed.self_test import SelfTest
from jrerank.models.architectures.torch_forward import TorchForward
from jrerank.telemetry import logger

_LOG = logger(__name__)
# torch.compile is not safe to be used from two threads at a time (pytorch#105943)
_COMPILER = threading.Lock()
Compile = Callable[[TorchForward], TorchForward]


def torch_compile(forward: TorchForward) -> TorchForward:
    """One graph without breaks. Not `reduce-overhead`: it would record CUDA graphs anew for each shape."""
    compiled: TorchForward = torch.compile(forward, fullgraph=True)
    return compiled


def compile_in_background(
    runner: Runner,
    model: DeviceModel,
    test: SelfTest,
    buckets: Buckets,
    capture: Capture | None,
    compile_forward: Compile = torch_compile,
) -> threading.Thread:
    """Start to compile; swap the compiled model in once its logits have been found to be right."""

    def work() -> None:
        try:
            with _COMPILER:
                _swap(runner, model.with_forward(compile_forward), test, buckets, capture)
        except Exception as error:  # noqa: BLE001  no compiler, no Triton, a kernel that does not fit: all the same here
            reason = (str(error).strip() or repr(error)).partition("\n")[0]
            _LOG.warning("compilation_failed", device=str(runner.device), reason=reason)

    thread = threading.Thread(target=work, name="jrerank-compile", daemon=True)
    thread.start()
    return thread


def _swap(
    runner: Runner, compiled: DeviceModel, test: SelfTest, buckets: Buckets, capture: Capture | None
) -> None:
    trial = Runner(runner.device)
    try:
        trial.use(compiled)
        judgement = test.judge(trial, compiled, buckets)
    finally:
        trial.close()
    if not judgement.passes:
        _LOG.warning("compiled_model_refused", device=str(runner.device), reason=str(judgement))
        return
    runner.use(compiled, buckets, capture)
    _LOG.info("compiled_model_serves", device=str(runner.device))
