"""Vectors made from the passages themselves."""

from __future__ import annotations

import numpy as np

from jrerank.admin.demo.latent import LatentSpace
from jrerank.evaluation.dataset import load_dataset

PASSAGES = list(load_dataset().passages.values())[:200]


def test_a_passage_is_its_own_neighbour_and_vectors_have_length_1() -> None:
    space = LatentSpace.of(PASSAGES, 64)
    vectors = space.vectors(PASSAGES)
    assert vectors.shape == (200, 64)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert ((vectors @ vectors.T).argmax(axis=1) == np.arange(200)).all()


def test_the_same_passages_give_the_same_vectors() -> None:
    first, second = (LatentSpace.of(PASSAGES, 32).vectors(PASSAGES[:5]) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_text_of_unknown_bigrams_is_nowhere() -> None:
    assert not LatentSpace.of(PASSAGES, 8).vectors(["xyzzy", ""]).any()
