"""Configurations of every architecture, and transformers' own models of them in float32, to compare ours with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification

from builders import (
    tiny_bert_config,
    tiny_config,
    tiny_xlm_roberta_config,
    unigram_tokenizer,
    window,
    wordpiece_tokenizer,
    xlm_roberta_tokenizer,
)
from jrerank.domain import Window
from jrerank.models.checkpoint import Checkpoint

TOLERANCE = 1e-4
Kind = tuple[dict[str, object], Tokenizer]
torch.set_num_threads(1)  # more of them only wait for each other on models this small


def transformers_5(layers: int, local: list[int], **changes: Any) -> dict[str, object]:
    kinds = ["sliding_attention" if layer in local else "full_attention" for layer in range(layers)]
    rope = {
        "full_attention": {"rope_type": "default", "rope_theta": 90_000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 7_000.0},
    }
    return tiny_config(num_hidden_layers=layers, layer_types=kinds, rope_parameters=rope, **changes)


def transformers_4(layers: int, every: int, **changes: Any) -> dict[str, object]:
    keys = {"global_attn_every_n_layers": every, "global_rope_theta": 90_000.0, "local_rope_theta": 7_000.0}
    return tiny_config(num_hidden_layers=layers, **keys, **changes)


BIASES = {"norm_bias": True, "attention_bias": True, "mlp_bias": True, "classifier_bias": True}
MODERNBERT = {
    "one layer": transformers_4(1, 1),
    "two layers, mean": transformers_4(2, 1, classifier_pooling="mean"),
    "every third, last one local": transformers_4(6, 3),
    "every third, last one global": transformers_4(7, 3),
    "every third, mean": transformers_4(7, 3, classifier_pooling="mean"),
    "ten layers as xsmall-v2": transformers_4(10, 3, local_attention=128),
    "twelve layers": transformers_5(12, [1, 2, 4, 5, 7, 8, 10, 11]),
    "irregular layers, mean": transformers_5(5, [0, 3, 4], classifier_pooling="mean"),
    "all global": transformers_5(4, []),
    "biases": transformers_4(4, 3, **BIASES),
    "tanh gelu": transformers_4(
        3, 3, hidden_activation="gelu_pytorch_tanh", classifier_activation="gelu_pytorch_tanh"
    ),
    "other epsilon": transformers_4(3, 3, norm_eps=1e-3),
}
POST_NORM: dict[str, Kind] = {
    "BERT": (tiny_bert_config(), wordpiece_tokenizer()),
    "BERT without token types": (tiny_bert_config(type_vocab_size=1), xlm_roberta_tokenizer()),
    "BERT with the tokenizer of XLM-RoBERTa": (tiny_bert_config(), xlm_roberta_tokenizer()),
    "XLM-RoBERTa": (tiny_xlm_roberta_config(), xlm_roberta_tokenizer()),
    "RoBERTa": (
        tiny_xlm_roberta_config(architectures=["RobertaForSequenceClassification"], model_type="roberta"),
        xlm_roberta_tokenizer(),
    ),
}
KINDS: dict[str, Kind] = {
    name: (config, unigram_tokenizer()) for name, config in MODERNBERT.items()
} | POST_NORM


@st.composite
def modernbert_configurations(draw: st.DrawFn) -> dict[str, object]:
    """Any ModernBERT of 1 to 12 layers, in the keys of transformers 4 or 5."""
    layers, heads = draw(st.integers(1, 12)), draw(st.sampled_from([1, 2, 4]))
    changes: dict[str, object] = {name: draw(st.booleans()) for name in BIASES}
    changes["classifier_pooling"] = draw(st.sampled_from(["cls", "mean"]))
    changes["local_attention"] = draw(st.sampled_from([1, 2, 9, 16, 128]))
    changes |= {"num_attention_heads": heads, "hidden_size": heads * draw(st.sampled_from([8, 16]))}
    if draw(st.booleans()):
        return transformers_4(layers, draw(st.sampled_from([1, 2, 3])), **changes)
    return transformers_5(layers, draw(st.lists(st.sampled_from(range(layers)))), **changes)


@st.composite
def post_norm_kinds(draw: st.DrawFn) -> Kind:
    """Any BERT or XLM-RoBERTa of 1 to 6 layers."""
    config, tokenizer = POST_NORM[draw(st.sampled_from(sorted(POST_NORM)))]
    heads = draw(st.sampled_from([1, 2, 3, 4]))
    activations = ["gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_python", "gelu_fast", "relu"]
    return config | {
        "num_hidden_layers": draw(st.integers(1, 6)),
        "num_attention_heads": heads,
        "hidden_size": heads * draw(st.sampled_from([4, 8, 16])),
        "intermediate_size": draw(st.sampled_from([8, 48, 100])),
        "layer_norm_eps": draw(st.sampled_from([1e-12, 1e-5])),
        "hidden_act": draw(st.sampled_from(activations)),
        "max_position_embeddings": draw(st.sampled_from([128, 514])),
    }, tokenizer


def reference(folder: Path) -> Any:
    """transformers' model of a checkpoint."""
    model: Any = AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    return model.eval()


def random_window(checkpoint: Checkpoint, query_tokens: int, passage_tokens: int) -> Window:
    """Any ids but the first ones, among which is the padding token that RoBERTa counts no position for."""
    generator = np.random.default_rng(query_tokens + 1000 * passage_tokens)
    query, passage = (generator.integers(7, 300, size).tolist() for size in (query_tokens, passage_tokens))
    return checkpoint.layout.join(query, passage)


def windows_of_lengths(*lengths: int) -> list[Window]:
    """Windows of random tokens, a third of them the query's."""
    generator = np.random.default_rng(lengths)
    return [window(generator.integers(0, 300, length).tolist(), length // 3) for length in lengths]


def reference_logit(model: Any, of: Window, passage_type: int) -> float:
    """transformers' logit of one window."""
    ids = torch.tensor([list(of.ids)])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if model.config.model_type != "modernbert":
        types = torch.zeros_like(ids)
        types[:, of.passage_start :] = passage_type
        inputs["token_type_ids"] = types
    with torch.no_grad():
        return float(model(**inputs).logits)
