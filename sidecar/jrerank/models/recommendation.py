"""What a checkpoint's own folder recommends to those who use it: `jrerank.json`."""

from __future__ import annotations

import json
import math
from pathlib import Path

from jrerank.domain import Fusion
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
        f"{file}: fusion is to be linear with a weight from 0, or rrf with a rank_constant from 1"
    )


def recommend_fusion(folder: Path, fusion: Fusion) -> None:
    """Write that into `folder`; whatever else it recommends stays.

    Raises:
        CorruptModel: the file that is there is not JSON.
    """
    file = folder / RECOMMENDATION_FILE
    content = read_json(file) if file.is_file() else {}
    own = {"weight": fusion.weight} if fusion.method == "linear" else {"rank_constant": fusion.rank_constant}
    content["fusion"] = {"method": fusion.method, **own}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _is_weight(weight: float) -> bool:
    return not isinstance(weight, bool) and math.isfinite(weight) and weight >= 0
