"""`config.json` -> the architecture that it is of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jrerank.errors import UnsupportedModel
from jrerank.models.architectures.architecture import Architecture
from jrerank.models.architectures.bert import read_bert
from jrerank.models.architectures.config_reader import ConfigReader
from jrerank.models.architectures.modernbert.architecture import ModernBert
from jrerank.models.architectures.xlm_roberta import read_xlm_roberta

# What `architectures` in a config.json may name
ARCHITECTURES: Mapping[str, Callable[[Mapping[str, object]], Architecture]] = {
    "ModernBertForSequenceClassification": ModernBert.from_json,
    "BertForSequenceClassification": read_bert,
    "XLMRobertaForSequenceClassification": read_xlm_roberta,
    "RobertaForSequenceClassification": read_xlm_roberta,
}


def read_architecture(content: Mapping[str, object]) -> Architecture:
    """The architecture of a parsed `config.json`.

    Raises:
        UnsupportedModel: another kind of model, or a value that jrerank doesn't know.
    """
    read = ConfigReader(content)
    named = read.value("architectures", [read.value("model_type", None)])
    name = named[0] if isinstance(named, list) and len(named) == 1 else None
    if not isinstance(name, str) or name not in ARCHITECTURES:
        raise UnsupportedModel(
            f"architecture {named} is not supported; a cross-encoder is of one of {', '.join(ARCHITECTURES)}"
        )
    read.check_one_label()
    read.check_score_activation()
    read.refuse("quantization_config", "pre-quantized weights are")
    return ARCHITECTURES[name](content)
