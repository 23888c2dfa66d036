"""Engines that a test holds in its hand."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

from builders import unigram_tokenizer
from jrerank.domain import Window
from jrerank.engines.engine import BatchLimit
from jrerank.errors import EngineError

SKY, MOUNTAIN = unigram_tokenizer().encode("空富士山", add_special_tokens=False).ids
ONE_AT_A_TIME = BatchLimit(windows=1, tokens=0)


class GatedEngine:
    """A window's logit is how often it says 空; a batch in which one holds the token `fails_on` fails as a whole.

    Each batch waits for a permit unless the engine `is_open`; who came first gets the first, so that `batches` are in the order in
    which they were taken. `scored` are all windows of the batches that did not fail.
    """

    name = "gated"

    def __init__(
        self,
        workers: int = 1,
        limit: BatchLimit = ONE_AT_A_TIME,
        *,
        is_open: bool = False,
        fails_on: int = MOUNTAIN,
        spare_workers: int = 0,
    ) -> None:
        self.workers = workers
        self.spare_workers = spare_workers
        self._fails_on = fails_on
        self.batch_limit = limit
        self.batches: list[Sequence[Window]] = []
        self.started = threading.Semaphore(0)
        self._gate = threading.Condition()
        self._permits = math.inf if is_open else 0.0
        self._came = self._passed = 0

    @property
    def runs(self) -> int:
        return len(self.batches)

    @property
    def skies(self) -> list[int]:
        """What has been scored, by its logits, in order."""
        return [window.ids.count(SKY) for batch in self.batches for window in batch]

    def permit(self, batches: float = math.inf) -> None:
        with self._gate:
            self._permits += batches
            self._gate.notify_all()

    def score(self, windows: Sequence[Window]) -> list[float | EngineError]:
        self.started.release()
        with self._gate:
            place, self._came = self._came, self._came + 1
            self._gate.wait_for(lambda: self._permits > 0 and self._passed == place)
            self._permits -= 1
            self._passed += 1
            self.batches.append(windows)
            self._gate.notify_all()
        if any(self._fails_on in window.ids for window in windows):
            raise EngineError("no mountains")
        return [float(window.ids.count(SKY)) for window in windows]
