"""What a step trains on, by what the model makes of it: the wrong texts that it takes for the best, the questions it gets wrong.

A model that has learned most of its questions spends its time on those: of JaQuAD's the bundled model gives seven in ten a loss
below 0.03, and 99 % of all loss is that of the other three. Reading forwards costs a third of a step, so leaving them out pays
(selective backpropagation: Jiang et al., 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from jrerank.training.examples import Group
from jrerank.training.losses import group_loss


class Reader(Protocol):
    """See training.scorer."""

    def score(self, pairs: Sequence[tuple[str, str]], max_tokens: int | None = None) -> list[float]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Mining:
    """Of a group's wrong texts the `wrong` hardest are kept; a group whose loss is then below `skip_loss` is not trained on."""

    wrong: int
    skip_loss: float = 0.0
    bce_weight: float = 0.5


@dataclass(frozen=True, slots=True)
class Mined:
    """`groups` are all that were drawn, with their hardest texts; `trained` says which of them are worth a step."""

    groups: tuple[Group, ...]
    trained: tuple[bool, ...]

    @property
    def chosen(self) -> list[Group]:
        """Those that are trained on."""
        return [group for group, trained in zip(self.groups, self.trained, strict=True) if trained]


def mined(scorer: Reader, groups: Sequence[Group], mining: Mining, max_tokens: int | None = None) -> Mined:
    """The groups as the model sees them now. What has a teacher's scores stays as it is."""
    read = [not g.teacher and (mining.skip_loss > 0 or len(g.texts) > mining.wrong + 1) for g in groups]
    pairs = [
        (g.question, text) for g, is_read in zip(groups, read, strict=True) if is_read for text in g.texts
    ]
    logits = iter(scorer.score(pairs, max_tokens))
    kept, trained = [], []
    for group, is_read in zip(groups, read, strict=True):
        if not is_read:
            kept.append(group)
            trained.append(True)
            continue
        scores = torch.tensor([next(logits) for _ in group.texts])
        places = _hardest(scores, mining.wrong)
        kept.append(Group(group.question, tuple(group.texts[i] for i in places)))
        loss = group_loss([scores[places]], [()], mining.bce_weight).item()
        trained.append(not loss < mining.skip_loss)  # NaN is not learned
    return Mined(tuple(kept), tuple(trained))


def _hardest(scores: Tensor, wrong: int) -> list[int]:
    """Places of the right text and of the `wrong` others that score highest, in their own order."""
    others = torch.argsort(scores[1:], descending=True, stable=True)[:wrong] + 1
    return [0, *sorted(others.tolist())]
