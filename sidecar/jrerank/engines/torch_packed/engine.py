"""Many windows in one run, packed without padding, on whatever device torch has."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

import torch

from jrerank.domain import Window
from jrerank.engines.engine import BatchLimit
from jrerank.engines.torch_packed.packing import Buckets, pack
from jrerank.engines.torch_packed.runner import Runner
from jrerank.errors import EngineError

_MIN_BUDGET_TOKENS = 64
# One run is computed while the next is packed and copied
_IN_FLIGHT = 2


class TorchPackedEngine:
    """One device. Two windows that are scored in different company get the same score, but for rounding.

    `padding_tokens` counts what runs had beyond what their windows hold, to fill their buckets.
    """

    name = "torch_packed"
    spare_workers = 0  # a device does one run after the other, and torch uses all cores of a CPU for it

    def __init__(self, runner: Runner, buckets: Buckets, budget_tokens: int, passage_type: int = 0) -> None:
        self.workers = _IN_FLIGHT if runner.device.type == "cuda" else 1
        self._runner = runner
        self._buckets = buckets
        self._budget_tokens = budget_tokens
        self._passage_type = passage_type
        self._lock = threading.Lock()
        self.padding_tokens = 0

    @property
    def batch_limit(self) -> BatchLimit:
        """As many tokens as last about as long as a run may; fewer once the device has run out of memory."""
        return BatchLimit(windows=self._budget_tokens, tokens=self._budget_tokens)

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        """See `Engine.score`."""
        logits: dict[int, float | EngineError] = {}
        for places in self._buckets.split(windows, self._budget_tokens):
            run = [windows[place] for place in places]
            logits.update(zip(places, self._run_or_halve(run), strict=True))
        return [logits[place] for place in range(len(windows))]

    def close(self) -> None:
        """Stop the device's thread."""
        self._runner.close()

    def _run_or_halve(self, windows: Sequence[Window]) -> list[float | EngineError]:
        """Run windows, in smaller parts where the device has not enough memory for all: nothing is lost by that."""
        tokens = sum(map(len, windows))
        try:
            return self._run(windows)
        except torch.OutOfMemoryError as error:
            message = _first_line(error)
        except RuntimeError as error:
            message = _first_line(error)
            if "out of memory" not in message:  # as Apple's and some drivers' errors say it
                return [_failed(window, message) for window in windows]
        except Exception as error:  # noqa: BLE001  whatever a driver raises, these windows have failed
            return [_failed(window, _first_line(error)) for window in windows]
        self._runner.free_memory()
        self._halve(tokens)
        if len(windows) == 1:
            return [_failed(windows[0], message)]
        middle = len(windows) // 2
        return self._run_or_halve(windows[:middle]) + self._run_or_halve(windows[middle:])

    def _run(self, windows: Sequence[Window]) -> list[float | EngineError]:
        batch = pack(windows, self._buckets.fitting(windows), self._passage_type)
        logits = self._runner.logits(batch).tolist()
        with self._lock:
            self.padding_tokens += batch.bucket.tokens - batch.tokens
        return [
            logit
            if math.isfinite(logit)
            else EngineError(f"the model gave {logit} for a window of {len(window)} tokens")
            for window, logit in zip(windows, logits, strict=True)
        ]

    def _halve(self, tokens: int) -> None:
        """Half of what was too much, so that two runs that fail at the same time don't quarter it."""
        with self._lock:
            self._budget_tokens = max(_MIN_BUDGET_TOKENS, min(self._budget_tokens, tokens // 2))


def _failed(window: Window, message: str) -> EngineError:
    return EngineError(f"torch failed on a window of {len(window)} tokens: {message}")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0]
