"""`bench.statutes`: the fine-tuning task."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from bench import statutes
from jrerank.admin.training.data import read_corpus
from jrerank.evaluation.layouts.jsonl import read_jsonl

WORDS = ("許可", "届出", "登録", "知事", "大臣", "申請書", "組合", "事業者", "報告", "免許", "手数料", "検査",
         "期間", "住所", "氏名")  # fmt: skip


def paragraphs(count: int) -> list[str]:
    """Some that share words but few bigrams between them."""
    draw = random.Random(2)
    kana = "あいうえおかきくけこさしすせそたちつてとなにぬねの"
    return [
        "".join(word + "".join(draw.choices(kana, k=6)) for word in draw.sample(WORDS, 6)) + "。"
        for _ in range(count)
    ]


def test_paragraphs_are_whole_of_some_length_and_far_from_each_other() -> None:
    good = paragraphs(5)
    near = good[0].replace("あ", "い")
    assert set(statutes.distinct([*good, near, good[0], "短い。", "届" * 80], 10)) in (
        {*good},
        {*good[1:], near},
    )
    assert len(statutes.distinct(good, 3)) == 3


def test_no_other_paragraph_has_the_words_of_a_query() -> None:
    passages = paragraphs(40)
    made = statutes.queries(passages)
    assert made
    for place, query in made.items():
        words = query.split(" ")
        assert len(words) == 3
        assert [i for i, text in enumerate(passages) if all(word in text for word in words)] == [place]


def test_training_and_measuring_read_it_and_share_no_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statutes, "HELD_OUT", 5)
    statutes.write(paragraphs(40), tmp_path)
    corpus = read_corpus(tmp_path / "passages.jsonl", tmp_path / "train.jsonl")
    held_out = read_jsonl(tmp_path / "held-out").check()
    assert len(held_out.measurable) == 5
    assert not set(held_out.queries.values()) & {pair.question for pair in corpus.pairs}
    for id in held_out.measurable:
        assert id in {hit.id for hit in held_out.hits[id]}
    first = json.loads((tmp_path / "train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert all(
        word in corpus.passages[int(first["passage_id"])].text for word in first["question"].split(" ")
    )
