"""A `config.json` of BERT and of XLM-RoBERTa."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import tiny_bert_config, tiny_xlm_roberta_config
from jrerank.errors import UnsupportedModel
from jrerank.models.architectures.bert import read_bert
from jrerank.models.architectures.registry import read_architecture
from jrerank.models.architectures.xlm_roberta import read_xlm_roberta

KEYS = sorted({*tiny_bert_config(), "hidden_act", "layer_norm_eps", "bos_token_id", "is_decoder", "id2label"})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden_act": "silu"}, "hidden_act 'silu' is not supported; gelu, .*relu are"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type 'relative_key': relative"),
        ({"is_decoder": True}, "is_decoder True"),
        ({"hidden_size": 33}, "hidden_size 33 does not divide into 2 heads"),
        ({"num_labels": 2}, "2 labels"),
        ({"layer_norm_eps": 0}, "layer_norm_eps"),
        ({"type_vocab_size": 0}, "type_vocab_size"),
        ({"pad_token_id": -1}, "pad_token_id must be an integer of at least 0"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers must be at most 1000"),
        ({"max_position_embeddings": 4}, "max_position_embeddings 4: positions begin at 4"),
    ],
)
def test_an_unsupported_value_is_an_error_that_names_it(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(UnsupportedModel, match=reason):
        read_architecture(tiny_xlm_roberta_config(**changes))


def test_what_a_configuration_leaves_out_has_the_default_of_transformers() -> None:
    config = read_bert({}).config
    assert (config.num_layers, config.hidden_size, config.num_heads, config.intermediate_size) == (
        12,
        768,
        12,
        3072,
    )
    assert (config.vocab_size, config.max_tokens, config.token_types) == (30_522, 512, 2)
    assert (config.norm_eps, config.activation, config.special_ids) == (1e-12, "gelu", frozenset())


@pytest.mark.parametrize(("pad", "max_tokens"), [(None, 512), (1, 512), (0, 513)])
def test_positions_of_xlm_roberta_begin_behind_the_padding_token(pad: int | None, max_tokens: int) -> None:
    assert read_xlm_roberta({"max_position_embeddings": 514, "pad_token_id": pad}).max_tokens == max_tokens


@given(
    key=st.sampled_from(KEYS),
    value=st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.lists(st.integers()),
)
def test_no_json_value_is_more_than_read_or_refused(key: str, value: object) -> None:
    with contextlib.suppress(UnsupportedModel):
        read_architecture(tiny_bert_config(**{key: value}))
