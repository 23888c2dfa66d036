"""Which options of `train` make sense together: what would be ignored is refused."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import typer

from jrerank.admin.training.command_line import is_given
from jrerank.errors import InvalidInput
from jrerank.training.plan import TrainingPlan

_MOST_MADE_UP = 0.95


def check_sources(
    pairs: Path | None, clicks: Path | None, dev_passages: Path | None, dev_pairs: Path | None
) -> None:
    """There is something to learn, and a dev set is whole.

    Raises:
        InvalidInput: a file is missing.
    """
    if pairs is None and clicks is None:
        raise InvalidInput("there is nothing to learn: give --pairs, --clicks or both", field="pairs")
    if (dev_passages is None) != (dev_pairs is None):
        raise InvalidInput("a dev set is two files: --dev-passages and --dev-pairs", field="dev-pairs")


def check_not_ignored(context: typer.Context) -> None:
    """What is on the command line has an effect.

    Raises:
        InvalidInput: an option lacks the one that it says more about.
    """
    given = context.params
    if given["patience"] is not None and given["dev_pairs"] is None:
        raise InvalidInput(
            "--patience counts looks at a dev set: give --dev-passages and --dev-pairs", field="patience"
        )
    for share, source in (("cloze", "text"), ("scene_share", "scenes")):
        if is_given(context, share) and given[share] and not given[source]:
            option = share.replace("_", "-")
            raise InvalidInput(f"--{option} {given[share]:g} is of --{source}: give that too", field=option)


def check_taught(context: typer.Context, scores: Collection[object]) -> None:
    """`--distillation` has logits to learn: a teacher's, or `scores` of the pairs.

    Raises:
        InvalidInput: there are none.
    """
    if is_given(context, "distillation") and context.params["teacher"] is None and not any(scores):
        raise InvalidInput(
            "--distillation says how a teacher's scores are learned: give --teacher, or pairs with `scores`",
            field="distillation",
        )


def check_plan(plan: TrainingPlan) -> None:
    """Its numbers fit each other.

    Raises:
        InvalidInput: too few questions of pairs are left, or there is nothing to mine among.
    """
    shares = round(plan.fact_share + plan.cloze_share + plan.scene_share, 6)
    if shares > _MOST_MADE_UP:
        raise InvalidInput(
            f"--facts {plan.fact_share:g}, --cloze {plan.cloze_share:g} and --scene-share {plan.scene_share:g} are {shares:g} "
            f"of the questions together: {_MOST_MADE_UP} at most, since the others are of pairs",
            field="facts",
        )
    if plan.mined_from < 1 and plan.mined_candidates < plan.hard_negatives:
        raise InvalidInput(
            f"--mined-candidates {plan.mined_candidates} are fewer than the --hard-negatives {plan.hard_negatives} "
            "that are kept of them: give as many or more",
            field="mined-candidates",
        )
