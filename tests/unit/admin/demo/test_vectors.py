"""The vectors that ship are those that the model gives, and a question's vector finds its passage."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np

from jrerank.admin.demo.corpus import write
from jrerank.admin.demo.vectors import (
    embedding_model,
    passage_vectors,
    question_vector,
    write_passage_vectors,
)
from jrerank.evaluation.dataset import load_dataset

DATASET = load_dataset()
IDS = list(DATASET.passages)


def test_each_passage_has_a_vector_of_length_1() -> None:
    vectors = passage_vectors()
    assert vectors.shape == (len(IDS), 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_the_shipped_are_what_the_model_gives(tmp_path: Path) -> None:
    """The first, one in the middle, the last, and the longest, which the model reads in two windows."""
    texts = list(DATASET.passages.values())
    longest = max(range(len(texts)), key=lambda place: len(texts[place]))
    places = [0, 700, len(texts) - 1, longest]
    write_passage_vectors([texts[place] for place in places], tmp_path / "vectors.npy")
    made = passage_vectors(tmp_path / "vectors.npy")
    assert ((made * passage_vectors()[places]).sum(axis=1) > 0.999).all()


def test_questions_are_near_their_passages() -> None:
    vectors, sample = passage_vectors(), DATASET.sample(12)
    ranks = []
    for question in sample:
        nearest = np.argsort(-(vectors @ np.array(question_vector(question.text))))
        ranks.append(list(nearest).index(IDS.index(question.passage_id)))
    assert sum(rank < 20 for rank in ranks) > len(sample) * 3 / 4, ranks


def test_processes_that_are_started_later_have_their_own_number_of_threads() -> None:
    before = dict(os.environ)
    embedding_model.cache_clear()
    question_vector("富士山の高さ")
    assert dict(os.environ) == before


def test_the_corpus_as_jsonl() -> None:
    stream = io.StringIO()
    write(stream)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["id"] for line in lines] == IDS
    assert lines[7]["text"] == DATASET.passages[IDS[7]]
    assert abs(np.linalg.norm(lines[7]["vector"]) - 1) < 0.01
