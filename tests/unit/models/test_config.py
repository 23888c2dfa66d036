"""A `config.json`, in the keys of transformers 4 and 5."""

from __future__ import annotations

import pytest

from builders import tiny_config
from jrerank.errors import UnsupportedModel
from jrerank.models.config import ModernBertConfig


def read(**changes: object) -> ModernBertConfig:
    return ModernBertConfig.from_json(tiny_config(**changes))


def test_both_key_styles_say_the_same() -> None:
    old = read(num_hidden_layers=4, global_attn_every_n_layers=3, global_rope_theta=9e4, local_rope_theta=7e3)
    kinds = ["full_attention", "sliding_attention", "sliding_attention", "full_attention"]
    thetas = {"full_attention": {"rope_theta": 9e4}, "sliding_attention": {"rope_theta": 7e3}}
    new = read(num_hidden_layers=4, layer_types=kinds, rope_parameters=thetas)
    assert old == new
    assert old.local_layers == {1, 2}
    assert old.window_tokens == 8


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"architectures": ["BertForSequenceClassification"]}, "BertForSequenceClassification"),
        ({"classifier_pooling": "max"}, "classifier_pooling 'max'"),
        ({"hidden_activation": "relu"}, "hidden_activation 'relu'"),
        ({"classifier_activation": "silu"}, "classifier_activation 'silu'"),
        ({"layer_types": ["full_attention"]}, "layer_types"),
        ({"layer_types": ["full_attention", "linear", "linear", "linear"]}, "linear"),
        ({"rope_parameters": {"full_attention": {"rope_type": "yarn"}}}, "yarn"),
        ({"rope_scaling": {"factor": 2}}, "rope_scaling"),
        ({"num_labels": 3}, "3 labels"),
        ({"norm_eps": -1}, "norm_eps"),
        ({"norm_bias": "yes"}, "norm_bias"),
        ({"num_hidden_layers": 0}, "num_hidden_layers"),
        ({"hidden_size": 33}, "hidden_size 33"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
    ],
)
def test_an_unsupported_value_is_an_error_that_names_it(changes: dict[str, object], said: str) -> None:
    with pytest.raises(UnsupportedModel, match=said):
        read(**changes)
