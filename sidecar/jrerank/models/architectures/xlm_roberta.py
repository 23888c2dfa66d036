"""RoBERTa and XLM-RoBERTa: Conneau et al., "Unsupervised Cross-lingual Representation Learning at Scale" (2020)."""

from __future__ import annotations

from collections.abc import Mapping

from jrerank.models.architectures.config_reader import ConfigReader
from jrerank.models.architectures.post_norm.architecture import PostNorm
from jrerank.models.architectures.post_norm.config import PostNormConfig
from jrerank.models.architectures.post_norm.weights import TensorNames

NAMES = TensorNames(encoder="roberta", dense="classifier.dense", classifier="classifier.out_proj")


def read_xlm_roberta(content: Mapping[str, object]) -> PostNorm:
    """Read a parsed `config.json` of a RobertaForSequenceClassification or XLMRobertaForSequenceClassification.

    Raises:
        UnsupportedModel: a value that jrerank doesn't know.
    """
    # fairseq's numbering, which transformers keeps: positions begin behind the padding token's
    first = ConfigReader(content).integer("pad_token_id", 1, least=0) + 1
    return PostNorm(PostNormConfig.from_json(content, first_position=first), NAMES)
