"""The model card: what it is, what it was trained on, what it reaches, and the command that makes it again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jrerank.training.calibration import Calibration
from jrerank.training.card_text import card_text, front, made_by, table
from jrerank.training.development import DevFigures, Judged
from jrerank.training.plan import TrainingPlan

_MEASURED = "## Dev set"


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the files don't say: the name, what training began with, the data and their licences, the command line."""

    name: str
    started_from: str
    data: str
    licence: str
    command: str


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What figures are of: how many questions, how long BM25's lists are, and how many of them lack the right passage."""

    questions: int
    depth: int
    missed: int

    @classmethod
    def of(cls, lists: Sequence[Judged]) -> LookedAt:
        """Those of a dev set."""
        depth = max((len(judged.texts) for judged in lists), default=0)
        return cls(len(lists), depth, sum(judged.right is None for judged in lists))


def model_card(
    facts: CardFacts, config: Any, plan: TrainingPlan, measured: Sequence[str] = (), spent: int | None = None
) -> str:
    """Markdown with the front matter that the hub reads.

    Args:
        facts: what the files don't say.
        config: transformers' own.
        plan: its budget and seed.
        measured: see `measured_sections`.
        spent: the tokens after which the run ended; None where it has not.
    """
    return card_text(
        front(facts.name, "A cross-encoder for Japanese, trained with `jrerank-admin train`."),
        _table(facts, config, plan, spent),
        made_by(facts.command),
        *measured,
    )


def measured_sections(
    figures: DevFigures | None, levels: Calibration | None, looked_at: LookedAt | None
) -> list[str]:
    """How the card ends: what was measured on the dev set, as far as there is one."""
    parts = [_figures(figures, looked_at)] if figures and looked_at else []
    return [*parts, *([_levels(levels)] if levels else [])]


def unmeasured(card: str, name: str) -> str:
    """A card up to its measured sections, under another name."""
    head = card.partition(_MEASURED)[0].rstrip()
    return re.sub(r"^# .*$", f"# {name}", head, count=1, flags=re.MULTILINE) + "\n"


def _table(facts: CardFacts, config: Any, plan: TrainingPlan, spent: int | None) -> str:
    architecture = (getattr(config, "architectures", None) or [config.model_type])[0]
    return table(
        {
            "architecture": f"`{architecture}`, {config.num_hidden_layers} layers, hidden {config.hidden_size}",
            "started from": facts.started_from,
            "trained on": facts.data,
            "budget": _budget(plan, spent),
            "licence": facts.licence,
        }
    )


def _budget(plan: TrainingPlan, spent: int | None) -> str:
    """A run that has stopped gaining ends before its budget does."""
    early = f", ended after {spent:,}" if spent is not None and spent < plan.tokens else ""
    return f"{plan.tokens:,} tokens{early}, seed {plan.seed}"


def _figures(figures: DevFigures, looked_at: LookedAt) -> str:
    return (
        f"{_MEASURED}\n\n"
        f"Of {looked_at.questions:,} questions, BM25's {looked_at.depth} best passages each. {looked_at.missed:,} of these lists "
        "lack the right passage, and count 0 in every row.\n\n"
        "| nDCG@10 | |\n|---|---|\n"
        f"| BM25 over bigrams | {figures.first_stage:.4f} |\n"
        f"| this model alone | {figures.alone:.4f} |\n"
        f"| logit + {figures.fusion_weight:g} x BM25 (the best of the weights tried) | {figures.fused:.4f} |\n"
    )


def _levels(levels: Calibration) -> str:
    rows = "\n".join(
        f"| {b.low:g} to {b.high:g} | {b.count} | {b.mean_score:.2f} | {b.right_share:.2f} |"
        for b in levels.bins
    )
    return (
        "## What a score means\n\n"
        f"Median score on the dev set: right passages {levels.right:.2f}, the best wrong passage of each list "
        f"{levels.hardest:.2f}, all wrong passages of BM25's lists {levels.wrong:.3f}.\n\n"
        f"| score | passages | mean score | share that is right |\n|---|---|---|---|\n{rows}\n"
    )
