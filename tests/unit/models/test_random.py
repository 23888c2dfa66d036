"""Checkpoints with random weights."""

from __future__ import annotations

import numpy as np
import pytest

from jrerank.errors import ModelNotFound
from jrerank.models.architectures.modernbert.architecture import ModernBert
from jrerank.models.architectures.registry import read_architecture
from jrerank.models.checkpoint import Checkpoint
from jrerank.models.random import random_checkpoint, random_config
from jrerank.models.source import BUNDLED, open_checkpoint
from jrerank.models.tokenizer_file import TOKENIZER_FILE


def sized(name: str) -> Checkpoint:
    return random_checkpoint(name, BUNDLED / TOKENIZER_FILE)


@pytest.mark.parametrize(
    ("name", "layers", "hidden", "parameters"),
    [
        ("tiny-v2", 3, 256, 29.4e6),
        ("xsmall-v2", 10, 256, 36.8e6),
        ("small-v2", 13, 384, 70.2e6),
        ("base-v2", 19, 512, 132e6),
    ],
)
def test_each_size_is_that_of_the_published_model(
    name: str, layers: int, hidden: int, parameters: float
) -> None:
    architecture = ModernBert.from_json(random_config(name))
    config = architecture.config
    assert (config.num_layers, config.hidden_size, config.head_dim) == (layers, hidden, 64)
    assert (config.vocab_size, config.max_positions, config.pooling) == (102_400, 8192, "cls")
    assert config.local_layers == {layer for layer in range(layers) if layer % 3}
    total = sum(int(np.prod(shape)) for shape in architecture.expected_shapes().values())
    assert total == pytest.approx(parameters, rel=0.01)


@pytest.mark.parametrize(
    ("name", "parameters", "max_tokens"),
    [("e5-small", 118e6, 512), ("e5-small-6", 107e6, 512), ("bge-v2-m3", 568e6, 8192)],
)
def test_sizes_of_other_architectures_are_those_published_too(
    name: str, parameters: float, max_tokens: int
) -> None:
    architecture = read_architecture(random_config(name))
    total = sum(int(np.prod(shape)) for shape in architecture.expected_shapes().values())
    assert total == pytest.approx(parameters, rel=0.01)
    assert architecture.max_tokens == max_tokens


@pytest.mark.parametrize("name", ["huge-v2", "", "xsmall"])
def test_an_unknown_size_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(ModelNotFound, match=f"random:{name}: .*random:xsmall-v2"):
        random_config(name)


def test_the_weights_are_the_same_every_time() -> None:
    checkpoint = sized("tiny-v2")
    first, second = checkpoint.weights(), checkpoint.weights()
    assert {name: tensor.shape for name, tensor in first.items()} == checkpoint.architecture.expected_shapes()
    for name, tensor in first.items():
        assert tensor.dtype == np.float32
        np.testing.assert_array_equal(tensor, second[name])


def test_each_size_has_a_fingerprint_of_its_own() -> None:
    fingerprints = [sized(name).fingerprint for name in ("tiny-v2", "xsmall-v2", "small-v2", "base-v2")]
    assert len(set(fingerprints)) == 4
    assert sized("tiny-v2").fingerprint == fingerprints[0]


def test_its_tokenizer_joins_pairs_as_the_model_does_that_it_is_borrowed_from() -> None:
    assert sized("tiny-v2").layout == open_checkpoint("bundled").layout


def test_it_is_opened_again_by_its_name() -> None:
    assert sized("tiny-v2").locator == "random:tiny-v2"
