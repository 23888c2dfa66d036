"""Files of passages, pairs and clicks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from jrerank.admin.training.data import read_corpus, read_paragraphs, read_scenes
from jrerank.errors import InvalidInput
from jrerank.training.examples import Pair, Passage

PASSAGES: list[dict[str, object]] = [
    {"id": "a", "title": "富士山", "text": "高い。"},
    {"id": 2, "text": "低い。"},
    {"id": "c", "text": "長い。"},
]


def written(folder: Path, name: str, *lines: Mapping[str, object]) -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def passages(tmp_path: Path) -> Path:
    return written(tmp_path, "passages.jsonl", *PASSAGES)


def test_pairs_refer_to_passages_by_id(tmp_path: Path, passages: Path) -> None:
    full = {
        "question": "q", "passage_id": "a", "answers": ["高い", ""], "negative_ids": [2], "scores": {"a": 3, "2": -1.5},
    }  # fmt: skip
    corpus = read_corpus(passages, written(tmp_path, "pairs.jsonl", full, {"question": "r", "passage_id": 2}))
    assert corpus.passages == (Passage("富士山", "高い。"), Passage("", "低い。"), Passage("", "長い。"))
    assert corpus.pairs == (Pair("q", 0, ("高い",), (1,), {0: 3.0, 1: -1.5}), Pair("r", 1))


def test_a_click_answers_and_what_was_skipped_above_it_does_not(tmp_path: Path, passages: Path) -> None:
    hits = [{"id": "a"}, {"id": "2", "clicked": True}, {"id": "c", "clicked": False}]
    log = written(tmp_path, "clicks.jsonl", {"query": "q", "hits": hits}, {"query": "none", "hits": hits[:1]})
    assert read_corpus(passages, clicks=log).pairs == (Pair("q", 1, (), (0,)),)


def test_a_click_is_true_or_1(tmp_path: Path, passages: Path) -> None:
    """And who skipped a hit that they clicked further down has clicked it."""
    hits = [{"id": "c"}, {"id": "a", "clicked": 0}, {"id": "2", "clicked": 1}, {"id": "c", "clicked": True}]
    log = written(tmp_path, "clicks.jsonl", {"query": "q", "hits": hits})
    assert read_corpus(passages, clicks=log).pairs == (Pair("q", 1, (), (0,)), Pair("q", 2, (), (0,)))


@pytest.mark.parametrize("clicked", ["yes", 2, None, [True]])
def test_what_may_be_a_click_or_not_is_named(tmp_path: Path, passages: Path, clicked: object) -> None:
    log = written(tmp_path, "clicks.jsonl", {"query": "q", "hits": [{"id": "a", "clicked": clicked}]})
    with pytest.raises(InvalidInput, match=r"clicks\.jsonl, line 1: `clicked` is .*, not true or false"):
        read_corpus(passages, clicks=log)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"passage_id": "a"}, r"pairs\.jsonl, line 1: `question` is None, not a text"),
        ({"question": "q", "passage_id": "z"}, "no passage has the id 'z'"),
        ({"question": "q", "passage_id": "a", "answers": "x"}, "`answers` is not a list of strings"),
        ({"question": "q", "passage_id": "a", "negative_ids": "c"}, "`negative_ids` is not a list"),
        ({"question": "q", "passage_id": "a", "negative_ids": ["z"]}, "no passage has the id 'z'"),
        (
            {"question": "q", "passage_id": "a", "negative_ids": ["c", "a"]},
            "`negative_ids` has the `passage_id`",
        ),
        (
            {"question": "q", "passage_id": "a", "scores": {"a": None}},
            "`scores` is not an object of ids and numbers",
        ),
    ],
)
def test_a_wrong_line_is_named(
    tmp_path: Path, passages: Path, line: Mapping[str, object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_corpus(passages, written(tmp_path, "pairs.jsonl", line))


def test_wrong_passages_are_named(tmp_path: Path, passages: Path) -> None:
    pairs = written(tmp_path, "pairs.jsonl", {"question": "q", "passage_id": "a"})
    with pytest.raises(InvalidInput, match="passages 2, line 2: `id` 'a' is there twice"):
        read_corpus(written(tmp_path, "passages 2", PASSAGES[0], PASSAGES[0]), pairs)
    with pytest.raises(InvalidInput, match="line 1: `hits` is not a list"):
        read_corpus(passages, clicks=written(tmp_path, "clicks", {"query": "q", "hits": {}}))
    (tmp_path / "broken").write_text("{")
    with pytest.raises(InvalidInput, match="broken: line 1: it is not JSON"):
        read_corpus(tmp_path / "broken", pairs)


def test_no_pairs_are_nothing_to_train_on(tmp_path: Path, passages: Path) -> None:
    with pytest.raises(InvalidInput, match="3 passages and 0 pairs: nothing to train on"):
        read_corpus(passages, written(tmp_path, "pairs.jsonl"))


def test_paragraphs_are_lines(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("一つ目。\n\n 二つ目。\n", encoding="utf-8")
    assert read_paragraphs(tmp_path / "text") == ["一つ目。", "二つ目。"]
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="binary can't be read"):
        read_paragraphs(tmp_path / "binary")


ASKED = {"questions": ["いくら？"], "answers": ["六百円です。"]}
OTHER = {"questions": ["休みは？"], "answers": ["月曜です。"], "decoys": ["休みの話。"]}


def test_a_scene_is_a_line(tmp_path: Path) -> None:
    (scene,) = read_scenes(written(tmp_path, "scenes", {"scene": "プール", "items": [ASKED, OTHER]}))
    assert scene.title == "プール"
    assert [(item.questions, item.answers, item.decoys) for item in scene.items] == [
        (("いくら？",), ("六百円です。",), ()),
        (("休みは？",), ("月曜です。",), ("休みの話。",)),
    ]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ({}, "`items` is not a list of two objects or more"),
        ([ASKED], "`items` is not a list of two objects or more"),
        ([ASKED, {"questions": ["休みは？"]}], "`answers` is None, not a list of texts"),
        ([ASKED, {**OTHER, "questions": []}], "`questions` is \\[\\], not a list of texts"),
        ([ASKED, {**OTHER, "decoys": [1]}], "`decoys` is \\[1\\], not a list of texts"),
    ],
)
def test_a_wrong_scene_is_named(tmp_path: Path, items: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=f"scenes, line 1: {message}"):
        read_scenes(written(tmp_path, "scenes", {"items": items}))


def test_a_scene_needs_no_name_and_a_name_is_one_line(tmp_path: Path) -> None:
    (unnamed,) = read_scenes(written(tmp_path, "unnamed", {"items": [ASKED, OTHER]}))
    (named,) = read_scenes(written(tmp_path, "named", {"scene": "市民\nプール ", "items": [ASKED, OTHER]}))
    assert (unnamed.title, named.title) == ("", "市民 プール")
    with pytest.raises(InvalidInput, match="wrong, line 1: `scene` is 3, not a text"):
        read_scenes(written(tmp_path, "wrong", {"scene": 3, "items": [ASKED, OTHER]}))
