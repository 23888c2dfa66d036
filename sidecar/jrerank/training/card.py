"""The model card: what it is, what it was trained on, what it reaches, and the command that makes it again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from jrerank.training.calibration import Calibration
from jrerank.training.card_text import card_text, front, made_by, table
from jrerank.training.development import DevFigures
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


def model_card(
    facts: CardFacts,
    config: Any,
    plan: TrainingPlan,
    figures: DevFigures | None,
    levels: Calibration | None,
) -> str:
    """Markdown with the front matter that the hub reads. `config` is transformers' own."""
    return card_text(
        front(facts.name, "A cross-encoder for Japanese, trained with `jrerank-admin train`."),
        _table(facts, config, plan),
        made_by(facts.command),
        *measured_sections(figures, levels),
    )


def measured_sections(figures: DevFigures | None, levels: Calibration | None) -> list[str]:
    """How the card ends: what was measured on the dev set, as far as there is one."""
    return [*([_figures(figures)] if figures else []), *([_levels(levels)] if levels else [])]


def unmeasured(card: str, name: str) -> str:
    """A card up to its measured sections, under another name."""
    head = card.partition(_MEASURED)[0].rstrip()
    return re.sub(r"^# .*$", f"# {name}", head, count=1, flags=re.MULTILINE) + "\n"


def _table(facts: CardFacts, config: Any, plan: TrainingPlan) -> str:
    architecture = (getattr(config, "architectures", None) or [config.model_type])[0]
    return table(
        {
            "architecture": f"`{architecture}`, {config.num_hidden_layers} layers, hidden {config.hidden_size}",
            "started from": facts.started_from,
            "trained on": facts.data,
            "budget": f"{plan.tokens:,} tokens, seed {plan.seed}",
            "licence": facts.licence,
        }
    )


def _figures(figures: DevFigures) -> str:
    return (
        f"{_MEASURED}\n\n| nDCG@10 | |\n|---|---|\n"
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
