"""`config.json` -> an architecture."""

from __future__ import annotations

import pytest

from builders import tiny_bert_config, tiny_config, tiny_xlm_roberta_config
from jrerank.errors import UnsupportedModel
from jrerank.models.architectures.modernbert.architecture import ModernBert
from jrerank.models.architectures.post_norm.architecture import PostNorm
from jrerank.models.architectures.registry import ARCHITECTURES, read_architecture


def test_each_is_read_by_the_name_in_the_configuration() -> None:
    read = {name: read_architecture(tiny_config(architectures=[name])) for name in ARCHITECTURES}
    assert isinstance(read.pop("ModernBertForSequenceClassification"), ModernBert)
    assert {type(architecture) for architecture in read.values()} == {PostNorm}


@pytest.mark.parametrize("config", [tiny_config(), tiny_bert_config(), tiny_xlm_roberta_config()])
def test_what_is_quantized_already_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(UnsupportedModel, match="quantization_config"):
        read_architecture(config | {"quantization_config": {"bits": 4}})


@pytest.mark.parametrize(
    "named",
    [
        ["DebertaV2ForSequenceClassification"],
        ["BertModel"],
        ["BertForSequenceClassification", "BertModel"],
        "BertForSequenceClassification",
        [],
        [7],
        {},
    ],
)
def test_another_architecture_is_refused_with_those_there_are(named: object) -> None:
    with pytest.raises(
        UnsupportedModel, match=r"is not supported; a cross-encoder is of one of ModernBertFor.*Roberta"
    ):
        read_architecture(tiny_config(architectures=named))


@pytest.mark.parametrize("ids", [2, [2], [2, 5]])
def test_several_ends_may_be_named(ids: object) -> None:
    expected = {1, *(ids if isinstance(ids, list) else [ids])}
    assert read_architecture(tiny_config(eos_token_id=ids)).special_ids == expected
