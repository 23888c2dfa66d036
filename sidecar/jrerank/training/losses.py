"""What a group of logits costs. The first of a group answers the question."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from jrerank.training.plan import Distillation


def group_loss(
    logits: Sequence[Tensor],
    teacher: Sequence[tuple[float, ...]],
    bce_weight: float,
    distillation: Distillation = "kl",
) -> Tensor:
    """The mean over groups of an ordering loss plus `bce_weight` times a binary one.

    The first orders a list and says nothing of the level of its logits; the binary loss sets that, so that the sigmoid of a logit
    can be read as a probability. Without a teacher the first is the list-wise soft-max (Cao et al., 2007). With one it is the
    divergence of the two lists (Hinton et al., 2015), or margin-MSE (Hofstaetter et al., 2020), and the teacher's sigmoids are the
    binary targets.

    Args:
        logits: for each group a tensor of shape `(texts,)`.
        teacher: for each group as many logits, or none.
    """
    losses = []
    for group, scores in zip(logits, teacher, strict=True):
        known = torch.tensor(scores, device=group.device, dtype=group.dtype)
        ordering = _distilled(group, known, distillation) if scores else -torch.log_softmax(group, 0)[0]
        target = torch.sigmoid(known) if scores else _first(group)
        losses.append(ordering + bce_weight * F.binary_cross_entropy_with_logits(group, target))
    return torch.stack(losses).mean()


def _first(group: Tensor) -> Tensor:
    target = torch.zeros_like(group)
    target[0] = 1.0
    return target


def _distilled(group: Tensor, teacher: Tensor, distillation: Distillation) -> Tensor:
    if distillation == "margin-mse" and len(group) == 1:
        return group.sum() * 0.0  # nothing to differ from
    if distillation == "margin-mse":
        return F.mse_loss(group[0] - group[1:], teacher[0] - teacher[1:])
    return F.kl_div(torch.log_softmax(group, 0), torch.softmax(teacher, 0), reduction="sum")
