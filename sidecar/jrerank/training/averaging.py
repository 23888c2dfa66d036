"""Exponential average of the weights: smoother than the last step's, and nearly always better (Polyak and Juditsky, 1992)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class AveragedWeights:
    """Averages of the parameters that are trained."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model = model
        self._decay = decay
        self.averages = {
            name: parameter.detach().clone()
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        }
        self.updates = 0

    @torch.no_grad()
    def update(self) -> None:
        """After a step. The first ones count more, so that the beginning is forgotten."""
        self.updates += 1
        decay = min(self._decay, self.updates / (self.updates + 9))
        parameters = dict(self._model.named_parameters())
        for name, average in self.averages.items():
            average.lerp_(parameters[name].detach(), 1 - decay)

    def restore(self, averages: Mapping[str, Tensor], updates: int) -> None:
        """Go on with what a snapshot holds, where the parameters are."""
        for name, average in self.averages.items():
            average.copy_(averages[name])
        self.updates = updates

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model has the averages meanwhile."""
        kept = self._exchange(self.averages)
        try:
            yield
        finally:
            self._exchange(kept)

    @torch.no_grad()
    def _exchange(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        parameters = dict(self._model.named_parameters())
        kept = {name: parameters[name].detach().clone() for name in values}
        for name, value in values.items():
            parameters[name].copy_(value)
        return kept
