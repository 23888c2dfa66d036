"""The weight that a model's maker recommends for adding the first stage's BM25 score to the logit, beside the checkpoint."""

from __future__ import annotations

import json
import math
from pathlib import Path

from jrerank.errors import CorruptModel

FUSION_FILE = "fusion.json"


def read_fusion_weight(folder: Path) -> float | None:
    """What the folder recommends; None where it recommends nothing.

    Raises:
        CorruptModel: the file has no number `bm25_weight`.
    """
    path = folder / FUSION_FILE
    if not path.is_file():
        return None
    try:
        weight = json.loads(path.read_text(encoding="utf-8"))["bm25_weight"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptModel(f"{path} has no number `bm25_weight`") from error
    if not isinstance(weight, int | float) or isinstance(weight, bool) or not 0 <= weight < math.inf:
        raise CorruptModel(f"{path}: bm25_weight is {weight!r}, not a number from 0 on")
    return float(weight)


def write_fusion_weight(folder: Path, weight: float) -> None:
    """Recommend `weight`, for logit + weight x BM25 score."""
    (folder / FUSION_FILE).write_text(json.dumps({"bm25_weight": weight}) + "\n", encoding="utf-8")
