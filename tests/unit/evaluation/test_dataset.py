"""Questions with the one passage that answers each."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from jrerank.evaluation.dataset import SHIPPED, Dataset, Question, load_dataset


def test_the_shipped_set_is_whole_and_says_whose_it_is() -> None:
    dataset = load_dataset()
    assert (len(dataset.passages), len(dataset.questions)) == (1431, 3939)
    assert all(question.passage_id in dataset.passages for question in dataset.questions)
    licence = (SHIPPED / "LICENSE.md").read_text(encoding="utf-8")
    assert "JaQuAD" in licence
    assert "Attribution-ShareAlike 3.0" in licence


def test_another_folder_may_hold_another_set(tmp_path: Path) -> None:
    lines = {
        "dev-passages": {"id": "1", "title": "富士山", "text": "高い山である。"},
        "dev-queries": {"question": "高い山は", "passage_id": "1"},
    }
    for name, line in lines.items():
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as stream:
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    assert load_dataset(tmp_path, "dev-") == Dataset(
        {"1": "富士山\n高い山である。"}, (Question("高い山は", "1"),)
    )


@given(st.integers(1, 200), st.integers(1, 300))
def test_a_sample_is_spread_evenly_and_always_the_same(size: int, wanted: int) -> None:
    dataset = Dataset({}, tuple(Question(str(i), "") for i in range(size)))
    places = [int(question.text) for question in dataset.sample(wanted)]
    assert len(places) == min(wanted, size)
    gaps = [after - before for before, after in itertools.pairwise(places)]
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert min(gaps, default=1) >= 1
    assert dataset.sample(wanted) == dataset.sample(wanted)
