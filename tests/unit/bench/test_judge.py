"""`bench.judge`, on a small set and a tiny model."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from pathlib import Path

from bench.judge import QuestionSet, judged, shift_rows, weight_of
from jrerank.bench.quality.scores import ScoreFile
from jrerank.domain import Fusion
from jrerank.models.recommendation import recommend_fusion
from jrerank.settings import Settings
from training_models import corpus, tiny_model

NUMBER = re.compile(r"[\d.]+")


def write_set(folder: Path, name: str) -> None:
    content = corpus()
    passages = [{"id": str(i), "title": p.title, "text": p.text} for i, p in enumerate(content.passages)]
    asked = [{"question": pair.question, "passage_id": str(pair.passage)} for pair in content.pairs]
    for part, lines in (("passages", passages), ("queries", asked)):
        with gzip.open(folder / f"{name}.{part}.jsonl.gz", "wt", encoding="utf-8") as stream:
            stream.writelines(json.dumps(line) + "\n" for line in lines)


def test_the_rows_are_those_that_are_wanted(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "tiny")
    recommend_fusion(model, Fusion("linear", weight=0.7))
    settings = Settings.load(model=str(model), precision="fp32", cache_dir=tmp_path)
    names = ("jsquad-valid", "jaquad-dev")
    for name in names:
        write_set(tmp_path, name)
    sets = [QuestionSet(name, 6, 5, "1") for name in names]
    rows = asyncio.run(judged(settings, tmp_path, sets, ScoreFile(None)))
    whats = [row.what for row in rows]
    assert whats[:2] == ["paraphrases, nDCG@10", "not fooled"]
    for name in names:
        assert [
            what.partition(": ")[2] for what in whats if what.startswith(f"{name}, 6 questions, top 5")
        ] == [
            "BM25",
            "alone",
            "fused, weight 0.7",
            "fused, each half by the other's weight",
        ]
    assert [what for what in whats if what.startswith("median score of")] == whats[-3:]
    assert all(0 <= float(found[0]) <= 62 for row in rows if (found := NUMBER.findall(row.found)))
    assert rows[1].wanted == "56"


def test_a_fusion_is_weighed_as_the_folder_recommends(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "tiny")
    settings = Settings.load(model=str(model))
    assert weight_of(settings) == 0.2
    recommend_fusion(model, Fusion("linear", weight=0.7))
    assert weight_of(settings) == 0.7


def test_int8_is_looked_at_as_cpus_with_avx2_alone_serve_it_too(tmp_path: Path) -> None:
    rows = shift_rows(Settings.load(model=str(tiny_model(tmp_path / "tiny")), cache_dir=tmp_path))
    assert rows[-1].what == "largest int8 shift of a score, weights of 7 bits"
    assert all(0 <= float(row.found) < 1 and row.wanted == "<= 0.06" for row in rows)
    assert str(rows[-1]) == f"| {rows[-1].what} | {rows[-1].found} | <= 0.06 |"
