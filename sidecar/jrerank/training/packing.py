"""A run of `jrerank-admin train` -> a folder to hand out: half precision, a whole card, the fusion it recommends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from jrerank.domain import Fusion
from jrerank.errors import ConfigurationError
from jrerank.models.recommendation import recommend_fusion
from jrerank.training.calibration import calibration
from jrerank.training.card import LookedAt, measured_sections, unmeasured
from jrerank.training.card_text import CARD_FILE
from jrerank.training.development import DevFigures, DevSet
from jrerank.training.run import STATE_FOLDER
from jrerank.training.scorer import Scorer, check_apart, open_scorer, save_scorer
from jrerank.training.snapshot import load_snapshot


@dataclass(frozen=True, slots=True)
class Packing:
    """`dev` measures what ships; `notes` is Markdown that ends the card.

    `newest` takes the averaged weights of the run's last state in place of those that were best at a look: for a run that was
    stopped early.
    """

    dev: DevSet
    notes: str = ""
    newest: bool = False


def pack(run: Path, folder: Path, packing: Packing) -> DevFigures:
    """Write model, tokenizer, card and recommendation into `folder`; other files there stay.

    Returns:
        The figures of the rounded weights, as they are in the card with their calibration and the fusion's weight.

    Raises:
        ConfigurationError: the run has no model or card yet, or, for the newest weights, no state.
        InvalidInput: `folder` is the run's.
    """
    check_apart(folder, run)
    if not (run / CARD_FILE).is_file():
        raise ConfigurationError(f"{run} has no {CARD_FILE}: the run has not come to its first look yet")
    scorer = open_scorer(run, max_tokens=512)
    if packing.newest:
        _take_newest(scorer, run)
    scorer.model.half().float()  # what is measured is what ships
    logits = packing.dev.logits(scorer)
    figures = packing.dev.figures(logits)
    save_scorer(scorer, folder, run, torch.float16)
    recommend_fusion(folder, Fusion("linear", weight=figures.fusion_weight))
    looked_at = LookedAt.of(packing.dev.lists)
    measured = measured_sections(figures, calibration(packing.dev.lists, logits), looked_at)
    head = unmeasured((run / CARD_FILE).read_text(encoding="utf-8"), folder.name)
    card = "\n".join((head, *measured, packing.notes))
    (folder / CARD_FILE).write_text(card.rstrip() + "\n", encoding="utf-8")
    return figures


def _take_newest(scorer: Scorer, run: Path) -> None:
    snapshot = load_snapshot(run / STATE_FOLDER)
    if snapshot is None:
        raise ConfigurationError(f"{run / STATE_FOLDER} has no state of a run")
    scorer.model.load_state_dict(snapshot.averages, strict=False)  # what is frozen is not among them
