"""Before a way to compute may serve, it is compared with float32 on the CPU, window by window.

Engines before this one ignored local attention on a device, or were off by one key, and nobody saw it for months (vllm#22637,
vllm#44040): lengths on both sides of every tile and window, and real texts.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from jrerank.domain import Window
from jrerank.engines.gate import gate_windows
from jrerank.engines.torch_packed.device_model import DeviceModel, Variant
from jrerank.engines.torch_packed.packing import Buckets, pack
from jrerank.engines.torch_packed.runner import Runner
from jrerank.engines.torch_packed.transfer import Logits
from jrerank.models.architectures.architecture import Weights
from jrerank.models.checkpoint import Checkpoint

_LENGTHS = (1, 2, 17, 63, 64, 65, 127, 128, 129, 130, 193, 256, 257, 300)
_REAL_TEXTS = 12
_RUN_TOKENS = 4_096
# How far a logit may be off: fp16 was seen to be by 0.03 at most, bf16 by 0.16
_TOLERANCE = {torch.float32: 1e-3, torch.float16: 0.05, torch.bfloat16: 0.25}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the self-test saw of a variant: the largest difference of a logit, or why it did not run."""

    variant: Variant
    difference: float
    error: str | None = None

    @property
    def passes(self) -> bool:
        """Whether the variant may serve. What is no number passes nothing."""
        return self.error is None and self.difference <= _TOLERANCE[self.variant.dtype]

    def __str__(self) -> str:
        outcome = f"logits within {self.difference:.2g} of fp32" if self.error is None else self.error
        return f"{self.variant}: {outcome}"


class SelfTest:
    """The windows of the test and their exact logits, for one checkpoint."""

    def __init__(self, checkpoint: Checkpoint, weights: Weights) -> None:
        """Compute the exact logits, on the CPU."""
        self._passage_type = checkpoint.layout.passage_type
        self.windows = _windows(checkpoint)
        exact = Variant(torch.device("cpu"), "each", torch.float32)
        model = DeviceModel.load(checkpoint.architecture, weights, exact)
        batch = pack(self.windows, Buckets().fitting(self.windows), self._passage_type)
        self._exact: Logits = model.logits(torch.from_numpy(batch.inputs), batch.bucket).numpy()

    def judge(self, runner: Runner, model: DeviceModel, buckets: Buckets) -> Judgement:
        """Run the windows through the model that `runner` uses, filled up as they will be later."""
        try:
            logits = self.logits(runner, buckets)
        except Exception as error:  # noqa: BLE001  a kernel or a driver that fails must not serve, whatever it raises
            return Judgement(
                model.variant, float("nan"), (str(error).strip() or repr(error)).partition("\n")[0]
            )
        return Judgement(model.variant, largest_difference(logits, self._exact))

    def logits(self, runner: Runner, buckets: Buckets) -> Logits:
        """What `runner` makes of the windows."""
        logits = np.empty(len(self.windows), dtype=np.float32)
        for places in buckets.split(self.windows, _RUN_TOKENS):
            run = [self.windows[place] for place in places]
            logits[places] = runner.logits(pack(run, buckets.fitting(run), self._passage_type))
        return logits


def largest_difference(logits: Logits, exact: Logits) -> float:
    """NaN if any logit is."""
    return float(np.abs(logits - exact).max())


def _windows(checkpoint: Checkpoint) -> Sequence[Window]:
    architecture = checkpoint.architecture
    generator = np.random.default_rng(1)
    lengths = [min(length, architecture.max_tokens) for length in _LENGTHS]
    random = [
        Window(array("i", generator.integers(0, architecture.vocab_size, length).tolist()), length // 3)
        for length in lengths
    ]
    return [*random, *gate_windows(checkpoint)[0][:_REAL_TEXTS]]
