"""A checkpoint -> engines that have proved to compute right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch

from jrerank.cpu import usable_cores
from jrerank.engines.engine import Engine
from jrerank.engines.torch_packed.advice import Surroundings, device_name, faster
from jrerank.engines.torch_packed.budget import measure_budget
from jrerank.engines.torch_packed.compilation import compile_in_background
from jrerank.engines.torch_packed.device_model import DeviceModel, Variant, precision_name
from jrerank.engines.torch_packed.devices import devices, variants
from jrerank.engines.torch_packed.engine import TorchPackedEngine
from jrerank.engines.torch_packed.graphs import Capture, cuda_capture
from jrerank.engines.torch_packed.packing import Buckets
from jrerank.engines.torch_packed.replicas import Replicas
from jrerank.engines.torch_packed.runner import Runner
from jrerank.engines.torch_packed.self_test import Judgement, SelfTest
from jrerank.errors import UnsupportedModel
from jrerank.models.architectures.architecture import Weights
from jrerank.models.checkpoint import Checkpoint
from jrerank.telemetry import logger

_LOG = logger(__name__)
_GPU_BUCKETS = (1_024, 2_048, 4_096, 8_192, 16_384, 32_768)
_CPU_SIZES = (128, 256, 512, 1_024, 2_048)
_LONGEST = (256, 512)
# Apple's compiled kernels are kept for each shape, gigabytes of them (pytorch#181485)
_PADDED_BUCKETS, _PADDED_LONGEST = (1_024, 4_096, 8_192), (64, 128, 256, 512)


@dataclass(frozen=True, slots=True)
class OpenTorch:
    """Engines that are ready, as one. `judgements` are what was tried on the first device; the last of them serves.

    `captured`: runs are replayed as CUDA graphs, not launched kernel by kernel.
    """

    engine: Engine
    devices: Sequence[TorchPackedEngine]
    variant: Variant
    judgements: tuple[Judgement, ...]
    captured: bool = False

    @property
    def precision(self) -> str:
        """As `/info` shows it."""
        return precision_name(self.variant.dtype)

    def padding_tokens(self) -> int:
        """What was computed beyond what windows hold, on all devices."""
        return sum(engine.padding_tokens for engine in self.devices)

    def notes(self) -> tuple[str, ...]:
        """What it computes on and how, and what would be faster; for people."""
        device, count = self.variant.device, len(self.devices)
        names = f"{count} devices, the first {device_name(device)}" if count > 1 else device_name(device)
        launched = "runs are CUDA graphs" if self.captured else "kernels are launched one by one"
        return (
            f"on {names}, by torch {torch.__version__}",
            *([launched] if device.type == "cuda" else []),
            *faster(self.variant, Surroundings.of(device)),
        )

    def close(self) -> None:
        """Stop the devices' threads."""
        for engine in self.devices:
            engine.close()


def open_torch(checkpoint: Checkpoint, device: str, precision: str, threads: int | None = None) -> OpenTorch:
    """One engine for each device of that name; a CPU uses `threads`, or as many as it has cores.

    Raises:
        ConfigurationError: there is no such device.
        UnsupportedModel: nothing computes the model right on it.
    """
    torch.set_num_threads(threads or usable_cores())
    weights = checkpoint.weights()
    test = SelfTest(checkpoint, weights)
    opened = [_open_device(checkpoint, weights, test, one, precision) for one in devices(device)]
    if len(opened) == 1:
        return opened[0]
    first, engines = opened[0], [engine for each in opened for engine in each.devices]
    return OpenTorch(Replicas(engines), engines, first.variant, first.judgements, first.captured)


def _open_device(
    checkpoint: Checkpoint, weights: Weights, test: SelfTest, device: torch.device, precision: str
) -> OpenTorch:
    runner = Runner(device)
    model, judgements = _first_right(checkpoint, weights, test, runner, precision)
    buckets = buckets_of(model.variant, checkpoint.architecture.max_tokens)
    capture = runner.on_device(cuda_capture) if device.type == "cuda" else None
    if capture is not None:
        capture = _captured(runner, model, buckets, capture)
    budget = measure_budget(runner, buckets, buckets.tokens or _CPU_SIZES)
    if device.type == "cuda":
        compile_in_background(runner, model, test, buckets, capture)
    _LOG.info("torch_ready", variant=str(model.variant), budget_tokens=budget, captured=capture is not None)
    engine = TorchPackedEngine(runner, buckets, budget, checkpoint.layout.passage_type)
    return OpenTorch(engine, [engine], model.variant, judgements, capture is not None)


def buckets_of(variant: Variant, max_tokens: int) -> Buckets:
    """A CPU takes every size as it is; elsewhere sizes are few."""
    if variant.kernel == "each":
        return Buckets()
    is_padded = variant.kernel == "padded"
    sizes = _PADDED_LONGEST if is_padded else _LONGEST
    longest = (*(size for size in sizes if size < max_tokens), max_tokens)
    return Buckets(_PADDED_BUCKETS if is_padded else _GPU_BUCKETS, longest, rectangular=is_padded)


def _first_right(
    checkpoint: Checkpoint,
    weights: Weights,
    test: SelfTest,
    runner: Runner,
    precision: str,
) -> tuple[DeviceModel, tuple[Judgement, ...]]:
    judgements: list[Judgement] = []
    for variant in variants(runner.device, precision):
        model = runner.on_device(partial(DeviceModel.load, checkpoint.architecture, weights, variant))
        runner.use(model)
        buckets = buckets_of(variant, checkpoint.architecture.max_tokens)
        judgements.append(test.judge(runner, model, buckets))
        if judgements[-1].passes:
            return model, tuple(judgements)
        _LOG.warning("variant_refused", reason=str(judgements[-1]))
    runner.close()
    tried = "; ".join(map(str, judgements))
    raise UnsupportedModel(f"{checkpoint.name} cannot be served by torch on {runner.device}: {tried}")


def _captured(runner: Runner, model: DeviceModel, buckets: Buckets, capture: Capture) -> Capture | None:
    """Capture the graphs. Where that fails, kernels are launched one by one."""
    try:
        runner.use(model, buckets, capture)
    except RuntimeError as error:
        _LOG.warning("capture_failed", device=str(runner.device), reason=str(error).partition("\n")[0])
        runner.use(model)
        return None
    return capture
