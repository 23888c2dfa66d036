"""A `config.json`, in the keys of transformers 4 and 5."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import tiny_config
from jrerank.errors import UnsupportedModel
from jrerank.models.architectures.modernbert.config import ModernBertConfig
from jrerank.models.architectures.registry import read_architecture

KEYS = {
    *tiny_config(),
    *("id2label", "layer_types", "rope_parameters", "rope_scaling", "global_attn_every_n_layers"),
    *("global_rope_theta", "local_rope_theta", "norm_eps", "norm_bias", "hidden_activation"),
    *("classifier_activation", "quantization_config", "sep_token_id", "cls_token_id"),
}


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
        ({"classifier_pooling": "max"}, "classifier_pooling 'max'"),
        ({"hidden_activation": "mish"}, "hidden_activation 'mish'"),
        ({"classifier_activation": "silu"}, "classifier_activation 'silu'"),
        ({"layer_types": ["full_attention"]}, "layer_types"),
        ({"layer_types": ["full_attention", "linear", "linear", "linear"]}, "linear"),
        ({"rope_parameters": {"full_attention": {"rope_type": "yarn"}}}, "yarn"),
        ({"rope_scaling": {"factor": 2}}, "rope_scaling"),
        ({"num_labels": 3}, "3 labels"),
        ({"norm_eps": -1}, "norm_eps"),
        ({"norm_bias": "yes"}, "norm_bias"),
        ({"num_hidden_layers": 0}, "num_hidden_layers"),
        ({"num_hidden_layers": 1_000_000_000}, "num_hidden_layers must be at most 1000, not 1000000000"),
        ({"max_position_embeddings": 10**9}, "max_position_embeddings must be at most 131072"),
        ({"sliding_window": 10**30}, "sliding_window must be at most 2147483647"),
        ({"hidden_size": 33}, "hidden_size 33"),
        ({"quantization_config": {"bits": 4}}, "quantization_config {'bits': 4}"),
        ({"architectures": None, "model_type": "bert"}, "bert"),
        ({"architectures": ["ModernBertForMaskedLM"]}, "ModernBertForMaskedLM"),
        ({"num_labels": None, "id2label": {"0": "no", "1": "yes"}}, "2 labels"),
        ({"num_labels": None, "id2label": 7}, "7 labels"),
        ({"classifier_pooling": ["cls"]}, r"classifier_pooling \['cls'\]"),
        ({"layer_types": [{}, {}, {}, {}]}, "layer_types: {}"),
        ({"layer_types": "full_attention"}, "layer_types"),
        ({"rope_parameters": 5}, "rope_parameters must be an object, not 5"),
        ({"rope_parameters": {"rope_theta": 5e4}}, "rope_parameters: .*rope_theta"),
        ({"rope_parameters": {"full_attention": 5e4}}, "full_attention must be an object, not 50000"),
        (
            {"rope_parameters": {"sliding_attention": {"partial_rotary_factor": 0.5}}},
            "partial_rotary_factor 0.5",
        ),
        ({"rope_parameters": {"sliding_attention": {"rope_theta": "big"}}}, "rope_theta .* 'big'"),
        ({"global_rope_theta": 0}, "global_rope_theta .* 0"),
        ({"norm_eps": float("nan")}, "norm_eps .* nan"),
        ({"norm_eps": float("inf")}, "norm_eps .* inf"),
        ({"vocab_size": True}, "vocab_size .* True"),
        ({"local_attention": 12.5}, "local_attention .* 12.5"),
        ({"global_attn_every_n_layers": 0}, "global_attn_every_n_layers .* 0"),
        ({"eos_token_id": "</s>"}, "eos_token_id .* '</s>'"),
        ({"bos_token_id": -1}, "bos_token_id .* -1"),
    ],
)
def test_an_unsupported_value_is_an_error_that_names_it(changes: dict[str, object], said: str) -> None:
    with pytest.raises(UnsupportedModel, match=said):
        read_architecture(tiny_config(**changes))


def test_what_a_configuration_leaves_out_has_the_default_of_transformers() -> None:
    config = ModernBertConfig.from_json({"architectures": ["ModernBertForSequenceClassification"]})
    assert (config.num_layers, config.hidden_size, config.head_dim, config.vocab_size) == (
        22,
        768,
        64,
        50_368,
    )
    assert config.local_layers == {layer for layer in range(22) if layer % 3}
    assert (config.window_tokens, config.pooling, config.activation) == (64, "cls", "gelu")
    assert (config.global_rope_theta, config.local_rope_theta) == (160_000.0, 10_000.0)
    assert not (config.norm_bias or config.attention_bias or config.mlp_bias or config.classifier_bias)
    assert config.special_ids == frozenset()


@pytest.mark.parametrize(
    ("changes", "window_tokens"),
    [
        ({"local_attention": 16}, 8),
        ({"local_attention": 17}, 8),
        ({"local_attention": None, "sliding_window": 5}, 5),
        ({"local_attention": 16, "sliding_window": 5}, 5),
        ({"local_attention": 16, "sliding_window": None}, 8),
    ],
)
def test_the_window_has_two_names(changes: dict[str, object], window_tokens: int) -> None:
    assert read(**changes).window_tokens == window_tokens


@pytest.mark.parametrize(
    ("changes", "thetas"),
    [
        ({"global_rope_theta": None}, (160_000.0, 10_000.0)),
        ({"global_rope_theta": 5e4, "local_rope_theta": None}, (5e4, 5e4)),
        ({"rope_parameters": None, "local_rope_theta": 7e3}, (160_000.0, 7e3)),
        ({"rope_parameters": {"full_attention": {"rope_theta": None}}}, (160_000.0, 10_000.0)),
        ({"rope_parameters": {"full_attention": None}, "global_rope_theta": 9e4}, (9e4, 10_000.0)),
    ],
)
def test_a_theta_that_is_null_is_what_transformers_makes_of_it(
    changes: dict[str, object], thetas: tuple[float, float]
) -> None:
    config = read(**changes)
    assert (config.global_rope_theta, config.local_rope_theta) == thetas


def test_special_ids_are_those_that_may_stand_in_a_pair() -> None:
    config = read(bos_token_id=1, eos_token_id=2, cls_token_id=6, sep_token_id=None, pad_token_id=3)
    assert config.special_ids == {1, 2, 6}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(key=st.sampled_from(sorted(KEYS)), value=json_values)
def test_no_json_value_is_more_than_read_or_refused(key: str, value: object) -> None:
    """A damaged configuration never ends in an AttributeError or TypeError."""
    with contextlib.suppress(UnsupportedModel):
        read_architecture(tiny_config(**{key: value}))
