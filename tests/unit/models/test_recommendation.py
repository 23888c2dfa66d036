import json
from pathlib import Path

import pytest

from jrerank.domain import Fusion
from jrerank.errors import CorruptModel
from jrerank.models.recommendation import (
    RECOMMENDATION_FILE,
    keep_recommendations,
    keep_window_tokens,
    recommend_fusion,
    recommended_fusion,
    recommended_window_tokens,
)


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


@pytest.mark.parametrize(("content", "tokens"), [({"window_tokens": 160}, 160), ({"fusion": None}, None)])
def test_a_folder_recommends_how_much_of_a_passage_a_window_holds(
    tmp_path: Path, content: object, tokens: int | None
) -> None:
    assert recommended_window_tokens(folder_with(tmp_path, content)) == tokens


@pytest.mark.parametrize("tokens", [15, "160", True, 16.5])
def test_windows_of_no_size_are_refused(tmp_path: Path, tokens: object) -> None:
    with pytest.raises(CorruptModel, match="a whole number from 16"):
        recommended_window_tokens(folder_with(tmp_path, {"window_tokens": tokens}))


def test_a_descendant_keeps_the_windows_of_the_model_it_began_with(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
    folder_with(old, {"fusion": {"method": "linear", "weight": 9}, "window_tokens": 160})
    recommend_fusion(new, Fusion("linear", weight=1.0))
    keep_window_tokens(old, new)
    assert (recommended_window_tokens(new), recommended_fusion(new)) == (160, Fusion("linear", weight=1.0))


def test_a_mean_keeps_all_of_it(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
    folder_with(old, {"fusion": {"method": "rrf", "rank_constant": 20}, "window_tokens": 160})
    keep_recommendations(old, new)
    assert (recommended_window_tokens(new), recommended_fusion(new)) == (160, Fusion("rrf", rank_constant=20))


def test_where_nothing_is_recommended_nothing_is_kept(tmp_path: Path) -> None:
    keep_window_tokens(tmp_path, tmp_path / "new")
    assert not (tmp_path / "new").exists()
