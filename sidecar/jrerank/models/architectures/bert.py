"""BERT: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (2019), as transformers implements it."""

from __future__ import annotations

from collections.abc import Mapping

from jrerank.models.architectures.post_norm.architecture import PostNorm
from jrerank.models.architectures.post_norm.config import PostNormConfig
from jrerank.models.architectures.post_norm.weights import TensorNames

NAMES = TensorNames(encoder="bert", dense="bert.pooler.dense", classifier="classifier")


def read_bert(content: Mapping[str, object]) -> PostNorm:
    """Read a parsed `config.json` of a BertForSequenceClassification.

    Raises:
        UnsupportedModel: a value that jrerank doesn't know.
    """
    return PostNorm(PostNormConfig.from_json(content), NAMES)
