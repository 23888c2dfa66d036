import json
from pathlib import Path

import pytest

from jrerank.domain import Fusion
from jrerank.errors import CorruptModel
from jrerank.models.recommendation import RECOMMENDATION_FILE, recommend_fusion, recommended_fusion


def folder_with(tmp_path: Path, content: object) -> Path:
    (tmp_path / RECOMMENDATION_FILE).write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("content", "fusion"),
    [
        ({"fusion": {"method": "linear", "weight": 2}}, Fusion("linear", weight=2.0)),
        ({"fusion": {"method": "rrf", "rank_constant": 20}}, Fusion("rrf", rank_constant=20)),
        ({"fusion": None, "other": 1}, None),
    ],
)
def test_a_folder_recommends(tmp_path: Path, content: object, fusion: Fusion | None) -> None:
    assert recommended_fusion(folder_with(tmp_path, content)) == fusion


def test_a_folder_without_the_file_recommends_nothing(tmp_path: Path) -> None:
    assert recommended_fusion(tmp_path) is None


@pytest.mark.parametrize(
    "fusion",
    [
        "linear",
        {"method": "magic"},
        {"method": "linear"},
        {"method": "linear", "weight": -1},
        {"method": "linear", "weight": "2"},
        {"method": "linear", "weight": 1, "rank_constant": 5},
        {"method": "rrf", "rank_constant": 0},
        {"method": "linear", "weight": True},
        {"method": "rrf", "rank_constant": True},
    ],
)
def test_what_is_no_fusion_is_refused(tmp_path: Path, fusion: object) -> None:
    with pytest.raises(CorruptModel, match="linear with a weight from 0"):
        recommended_fusion(folder_with(tmp_path, {"fusion": fusion}))


@pytest.mark.parametrize("fusion", [Fusion("linear", weight=0.15), Fusion("rrf", rank_constant=20)])
def test_what_is_written_is_read_and_leaves_the_rest(tmp_path: Path, fusion: Fusion) -> None:
    folder_with(tmp_path, {"other": 1, "fusion": {"method": "linear", "weight": 9}})
    recommend_fusion(tmp_path, fusion)
    assert recommended_fusion(tmp_path) == fusion
    assert json.loads((tmp_path / RECOMMENDATION_FILE).read_text(encoding="utf-8"))["other"] == 1
