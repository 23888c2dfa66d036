"""What a checkpoint's own folder recommends to those who use it: `jrerank.json`."""

from __future__ import annotations

import json
import math
from pathlib import Path

from jrerank.domain import LEAST_WINDOW_TOKENS, Fusion
from jrerank.errors import CorruptModel
from jrerank.models.json_file import read_json

RECOMMENDATION_FILE = "jrerank.json"


def recommended_fusion(folder: Path) -> Fusion | None:
    """The fusion with which the model gains over its first stage; None where the folder recommends none.

    The file holds `{"fusion": {"method": "linear", "weight": 2.0}}` or `{"fusion": {"method": "rrf", "rank_constant": 60}}`.

    Raises:
        CorruptModel: the file is not JSON, or its fusion is none that there is.
    """
    file = folder / RECOMMENDATION_FILE
    fusion = read_json(file).get("fusion") if file.is_file() else None
    if fusion is None:
        return None
    match fusion:
        case {"method": "linear", "weight": int() | float() as weight, **rest} if not rest and _is_weight(
            weight
        ):
            return Fusion("linear", weight=float(weight))
        case {"method": "rrf", "rank_constant": int() as constant, **rest} if (
            not rest and constant >= 1 and constant is not True
        ):
            return Fusion("rrf", rank_constant=constant)
    raise CorruptModel(
        f"{file}: fusion must be linear with a weight from 0, or rrf with a rank_constant from 1"
    )


def recommended_window_tokens(folder: Path) -> int | None:
    """How many tokens of a passage the model reads best in one window; None where the folder recommends nothing.

    The file holds `{"window_tokens": 160}`.

    Raises:
        CorruptModel: the file is not JSON, or the number is none.
    """
    file = folder / RECOMMENDATION_FILE
    tokens = read_json(file).get("window_tokens") if file.is_file() else None
    if tokens is None:
        return None
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < LEAST_WINDOW_TOKENS:
        raise CorruptModel(f"{file}: window_tokens must be a whole number from {LEAST_WINDOW_TOKENS}")
    return tokens


def recommend_fusion(folder: Path, fusion: Fusion) -> None:
    """Write that into `folder`; whatever else it recommends stays.

    Raises:
        CorruptModel: the file that is there is not JSON.
    """
    own = {"weight": fusion.weight} if fusion.method == "linear" else {"rank_constant": fusion.rank_constant}
    _recommend(folder, "fusion", {"method": fusion.method, **own})


def keep_window_tokens(source: Path, folder: Path) -> None:
    """Let `folder` recommend the windows that `source` does: what was trained on begins with it, and reads as it did.

    Raises:
        CorruptModel: a file that is there is not JSON, or recommends no windows that there are.
    """
    if tokens := recommended_window_tokens(source):
        _recommend(folder, "window_tokens", tokens)


def keep_recommendations(source: Path, folder: Path) -> None:
    """Let `folder` recommend the windows and the fusion that `source` does, as far as it recommends any.

    Raises:
        CorruptModel: see `keep_window_tokens` and `recommended_fusion`.
    """
    keep_window_tokens(source, folder)
    if fusion := recommended_fusion(source):
        recommend_fusion(folder, fusion)


def _recommend(folder: Path, name: str, value: object) -> None:
    file = folder / RECOMMENDATION_FILE
    content = read_json(file) if file.is_file() else {}
    file.write_text(json.dumps({**content, name: value}, indent=1) + "\n", encoding="utf-8")


def _is_weight(weight: float) -> bool:
    return not isinstance(weight, bool) and math.isfinite(weight) and weight >= 0
