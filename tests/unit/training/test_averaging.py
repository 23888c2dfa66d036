"""Averaged weights."""

from __future__ import annotations

import torch

from jrerank.training.averaging import AveragedWeights


def test_averages_follow_the_weights_and_stand_in_for_them() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    average = AveragedWeights(model, decay=0.9)
    torch.nn.init.ones_(model.weight)
    for _ in range(200):
        average.update()
    with average.in_place():
        assert 0.99 < model.weight.item() < 1.0
    assert model.weight.item() == 1.0


def test_what_was_saved_is_put_where_the_parameters_are() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    average = AveragedWeights(model, 0.9)
    average.restore({"weight": torch.ones(1, 1, dtype=torch.float64)}, 7)
    assert (average.averages["weight"].item(), average.averages["weight"].dtype) == (1.0, torch.float32)
    assert average.updates == 7


def test_what_is_not_trained_is_not_averaged() -> None:
    model = torch.nn.Linear(2, 2)
    model.weight.requires_grad_(False)
    assert list(AveragedWeights(model, 0.9).averages) == ["bias"]
