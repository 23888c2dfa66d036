"""The losses fall in the direction that they should."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch

from jrerank.training.losses import group_loss
from jrerank.training.plan import Distillation


def test_the_listwise_part_is_the_softmax_of_the_first() -> None:
    loss = group_loss([torch.tensor([1.0, 0.0, 0.0])], [()], bce_weight=0.0)
    assert loss.item() == pytest.approx(-math.log(math.e / (math.e + 2)))


def test_the_binary_part_sets_the_level() -> None:
    high, right = torch.tensor([9.0, 5.0]), torch.tensor([4.0, -4.0])
    assert group_loss([high + 100], [()], 0.0) == pytest.approx(
        group_loss([high], [()], 0.0).item(), abs=1e-4
    )
    assert group_loss([high], [()], 1.0) > group_loss([right], [()], 1.0)


def test_a_group_counts_the_same_whatever_its_length() -> None:
    short, long = torch.tensor([0.0, 0.0]), torch.zeros(8)
    both = group_loss([short, long], [(), ()], 0.0).item()
    assert both == pytest.approx((math.log(2) + math.log(8)) / 2)


def test_a_text_that_stands_alone_has_no_margin() -> None:
    assert group_loss([torch.tensor([2.0])], [(2.0,)], 0.0, "margin-mse").item() == 0


@pytest.mark.parametrize("distillation", get_args(Distillation))
def test_a_student_like_its_teacher_costs_least(distillation: Distillation) -> None:
    teacher = (3.0, -1.0, 0.5)
    same = group_loss([torch.tensor(teacher)], [teacher], 1.0, distillation)
    for other in ([0.0, 0.0, 0.0], [3.0, 0.5, -1.0], [9.0, 5.0, 6.5]):
        assert group_loss([torch.tensor(other)], [teacher], 1.0, distillation) > same
