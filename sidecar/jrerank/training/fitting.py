"""The loop: groups in, steps of AdamW, snapshots, looks at the dev set."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from jrerank.errors import ConfigurationError
from jrerank.training.averaging import AveragedWeights
from jrerank.training.development import DevFigures, DevSet
from jrerank.training.examples import Group
from jrerank.training.groups import GroupShape
from jrerank.training.losses import group_loss
from jrerank.training.mining import Mined, Mining, mined
from jrerank.training.plan import TrainingPlan
from jrerank.training.scorer import Scorer
from jrerank.training.snapshot import Snapshot, load_snapshot, save_snapshot


@dataclass(frozen=True, slots=True)
class Progress:
    """After a step; `figures` where the dev set has been looked at. `tokens_per_s` is of this process alone."""

    step: int
    tokens: int
    loss: float
    tokens_per_s: float
    seconds: float
    figures: DevFigures | None = None

    def as_json(self) -> dict[str, object]:
        """A line of the log."""
        return asdict(self)


class Groups(Protocol):
    """See GroupMaker."""

    def step(self, number: int, size: int, shape: GroupShape) -> list[Group]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often: snapshots by the clock, looks at the dev set by tokens; training stops after so many looks without gain."""

    save_every_s: float = 120.0
    evaluate_every_tokens: int = 500_000
    patience: int | None = None


class Fitting:
    """A run in `folder`; it goes on from the snapshot there."""

    def __init__(
        self,
        scorer: Scorer,
        groups: Groups,
        plan: TrainingPlan,
        folder: Path,
        schedule: Schedule,
        dev: DevSet | None = None,
        teacher: Scorer | None = None,
    ) -> None:
        """Set up, or go on from the snapshot in `folder`.

        Raises:
            ConfigurationError: both a teacher and `skip_loss`; or the snapshot is none.
        """
        if teacher and plan.skip_loss:
            raise ConfigurationError(
                "--skip-loss goes by the labels, and of a --teacher the scores are learned: leave one of them out"
            )
        self._scorer, self._groups, self._plan, self._folder = scorer, groups, plan, folder
        self._schedule, self._dev, self._teacher = schedule, dev, teacher
        prepare(scorer, plan)
        torch.manual_seed(plan.seed)
        self._optimizer = _optimizer(scorer, plan)
        self.average = AveragedWeights(scorer.model, plan.average_decay)
        self._step = self._tokens = self._stale = 0
        self._seconds, self._best = 0.0, float("-inf")
        self._restore(load_snapshot(folder))

    @property
    def best(self) -> float:
        """The model's own nDCG@10 at the best look at the dev set so far."""
        return self._best

    def run(self, report: Callable[[Progress], None], keep: Callable[[DevFigures], None]) -> None:
        """Train until the budget is spent. `keep` is called, with the averaged weights in place, when the dev set says best yet."""
        started, first_tokens, saved, before = time.monotonic(), self._tokens, time.monotonic(), self._seconds
        while self._tokens < self._plan.tokens and not self._stopped():
            looks = self._tokens // self._schedule.evaluate_every_tokens
            loss = self._one_step()
            figures = None
            if self._dev and self._tokens // self._schedule.evaluate_every_tokens > looks:
                figures = self._look(self._dev, keep)
            elapsed = time.monotonic() - started
            self._seconds = before + elapsed
            speed = (self._tokens - first_tokens) / max(elapsed, 1e-9)
            report(Progress(self._step, self._tokens, loss, speed, self._seconds, figures))
            if time.monotonic() - saved >= self._schedule.save_every_s:
                self.save()
                saved = time.monotonic()
        self.save()

    def save(self) -> None:
        """Write a snapshot."""
        model = self._scorer.model
        save_snapshot(
            self._folder,
            Snapshot(
                self._step, self._tokens, self._seconds, self._best, self._stale,
                {n: p.detach() for n, p in model.named_parameters() if p.requires_grad},
                self._optimizer.state_dict(), self.average.averages, self.average.updates, torch.get_rng_state(),
            ),
        )  # fmt: skip

    def _restore(self, snapshot: Snapshot | None) -> None:
        if snapshot is None:
            return
        self._step, self._tokens, self._seconds = snapshot.step, snapshot.tokens, snapshot.seconds
        self._best, self._stale = snapshot.best, snapshot.stale
        self._scorer.model.load_state_dict(snapshot.weights, strict=False)
        self._optimizer.load_state_dict(snapshot.optimizer)
        self.average.restore(snapshot.averages, snapshot.updates)
        torch.set_rng_state(snapshot.rng)

    def _stopped(self) -> bool:
        return self._schedule.patience is not None and self._stale >= self._schedule.patience

    def _look(self, dev: DevSet, keep: Callable[[DevFigures], None]) -> DevFigures:
        with self.average.in_place():
            figures = dev.figures(dev.logits(self._scorer))
            self._stale += 1
            if figures.alone > self._best:
                self._best, self._stale = figures.alone, 0
                keep(figures)
        return figures

    def _one_step(self) -> float:
        plan, progress = self._plan, self._tokens / self._plan.tokens
        for rates in self._optimizer.param_groups:
            rates["lr"] = rates["peak"] * plan.rate(self._step, progress)
        drawn = self._mined(
            self._groups.step(self._step, plan.questions_per_step, self._shape(progress)), progress
        )
        loss = self._loss(drawn, self._max_tokens(progress))
        if not math.isfinite(loss.item()):
            raise ConfigurationError(
                f"the loss is no number at step {self._step}: begin again, with a lower --learning-rate"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._scorer.model.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.average.update()
        self._step += 1
        return loss.item()

    def _shape(self, progress: float) -> GroupShape:
        plan = self._plan
        long = progress >= plan.long_from and random.Random(f"{plan.seed}/long/{self._step}").random() < 0.4  # noqa: S311
        hard = plan.mined_candidates if progress >= plan.mined_from else plan.hard_negatives
        return GroupShape(
            hard=hard,
            random=plan.random_negatives,
            near=plan.near_share,
            max_chars=plan.long_max_chars if long else plan.max_chars,
        )

    def _max_tokens(self, progress: float) -> int:
        plan = self._plan
        return plan.long_max_tokens if progress >= plan.long_from else plan.max_tokens

    def _mined(self, groups: Sequence[Group], progress: float) -> Mined:
        plan = self._plan
        if progress < plan.mined_from:
            return Mined(tuple(groups), (True,) * len(groups))
        mining = Mining(plan.hard_negatives + plan.random_negatives, plan.skip_loss, plan.bce_weight)
        return mined(self._scorer, groups, mining, self._max_tokens(progress))

    def _loss(self, drawn: Mined, max_tokens: int) -> Tensor:
        """Of those that are trained on, over all that were drawn: what is left out counts as learned. All tokens are counted."""
        encodings = [
            self._scorer.encode([(group.question, text) for text in group.texts], max_tokens)
            for group in drawn.groups
        ]
        self._tokens += sum(len(encoding) for group in encodings for encoding in group)
        read = [group for group, trained in zip(encodings, drawn.trained, strict=True) if trained]
        if not read:
            return torch.zeros((), requires_grad=True)
        chosen = _taught(self._teacher, drawn.chosen, max_tokens) if self._teacher else drawn.chosen
        logits = self._scorer.logits([encoding for group in read for encoding in group])
        each, plan = torch.split(logits, [len(group) for group in read]), self._plan
        loss = group_loss(each, [group.teacher for group in chosen], plan.bce_weight, plan.distillation)
        return loss * len(read) / len(drawn.groups)


def _taught(teacher: Scorer, groups: Sequence[Group], max_tokens: int) -> list[Group]:
    """The groups with the teacher's logits, which reads as much as its student; what has some keeps them."""
    pairs = [(group.question, text) for group in groups for text in group.texts if not group.teacher]
    logits = iter(teacher.score(pairs, max_tokens))
    return [
        group if group.teacher else replace(group, teacher=tuple(next(logits) for _ in group.texts))
        for group in groups
    ]


def prepare(scorer: Scorer, plan: TrainingPlan) -> None:
    """Set what is trained, and the dropout."""
    model = scorer.model
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = plan.dropout
    model.get_input_embeddings().weight.requires_grad_(not plan.freeze_embeddings)
    model.train()


def _optimizer(scorer: Scorer, plan: TrainingPlan) -> torch.optim.Optimizer:
    base = {id(parameter) for parameter in scorer.model.base_model.parameters()}
    trained = [p for p in scorer.model.parameters() if p.requires_grad]
    rate = plan.learning_rate
    return torch.optim.AdamW(
        [
            {"params": [p for p in trained if id(p) in base], "lr": rate, "peak": rate},
            {
                "params": [p for p in trained if id(p) not in base],
                "lr": rate * plan.head_factor,
                "peak": rate * plan.head_factor,
            },
        ],
        weight_decay=plan.weight_decay,
    )
