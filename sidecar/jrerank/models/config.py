"""A ModernBERT `config.json`, in the keys of transformers 4 and of transformers 5 alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from jrerank.errors import UnsupportedModel

ARCHITECTURE = "ModernBertForSequenceClassification"
Activation = Literal["gelu", "gelu_pytorch_tanh"]
_ACTIVATIONS: Mapping[str, Activation] = {
    "gelu": "gelu",
    "gelu_pytorch_tanh": "gelu_pytorch_tanh",
    "gelu_new": "gelu_pytorch_tanh",
}


_LAYER_TYPES = ("full_attention", "sliding_attention")


@dataclass(frozen=True, slots=True)
class ModernBertConfig:
    """What the graph depends on. The layers in `local_layers` see only `window_tokens` on each side."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    max_positions: int
    norm_eps: float
    norm_bias: bool
    attention_bias: bool
    mlp_bias: bool
    classifier_bias: bool
    activation: Activation
    classifier_activation: Activation
    pooling: Literal["cls", "mean"]
    local_layers: frozenset[int]
    window_tokens: int
    global_rope_theta: float
    local_rope_theta: float
    special_ids: frozenset[int]

    @property
    def head_dim(self) -> int:
        """Size of one attention head."""
        return self.hidden_size // self.num_heads

    @classmethod
    def from_json(cls, content: Mapping[str, object]) -> ModernBertConfig:
        """Read a parsed `config.json`; what it leaves out has transformers' default.

        Raises:
            UnsupportedModel: another architecture, or a value jrerank doesn't know.
        """
        read = _Reader(content)
        read.check_architecture()
        layers = read.integer("num_hidden_layers", 22)
        hidden, heads = read.integer("hidden_size", 768), read.integer("num_attention_heads", 12)
        if hidden % (2 * heads):
            raise UnsupportedModel(f"hidden_size {hidden} does not divide into {heads} heads of even size")
        local = _local_layers(read, layers)
        return cls(
            vocab_size=read.integer("vocab_size", 50368),
            hidden_size=hidden,
            intermediate_size=read.integer("intermediate_size", 1152),
            num_layers=layers,
            num_heads=heads,
            max_positions=read.integer("max_position_embeddings", 8192),
            norm_eps=read.number("norm_eps", 1e-5),
            norm_bias=read.boolean("norm_bias"),
            attention_bias=read.boolean("attention_bias"),
            mlp_bias=read.boolean("mlp_bias"),
            classifier_bias=read.boolean("classifier_bias"),
            activation=read.activation("hidden_activation"),
            classifier_activation=read.activation("classifier_activation"),
            pooling=read.pooling(),
            local_layers=local,
            window_tokens=read.integer("local_attention", 128) // 2,
            global_rope_theta=_rope_theta(read, "full_attention", "global_rope_theta", 160_000.0),
            local_rope_theta=_rope_theta(read, "sliding_attention", "local_rope_theta", 10_000.0),
            special_ids=read.special_ids(),
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    content: Mapping[str, object]

    def check_architecture(self) -> None:
        found = self.content.get("architectures") or [self.content.get("model_type")]
        if found != [ARCHITECTURE]:
            raise UnsupportedModel(
                f"architecture {found} is not supported; a cross-encoder of type {ARCHITECTURE} is"
            )
        names = self.content.get("id2label") or {"0": ""}
        labels = self.content.get("num_labels") or (len(names) if isinstance(names, Mapping) else names)
        if labels != 1:
            raise UnsupportedModel(f"the model has {labels} labels; a reranker has one")
        self.refuse("quantization_config", "pre-quantized weights are")
        self.refuse("rope_scaling", "stretched positions are")

    def refuse(self, key: str, what: str, harmless: object = None) -> None:
        value = self.content.get(key)
        if value and value != harmless:
            raise UnsupportedModel(f"{key} {value!r}: {what} not supported")

    def integer(self, key: str, default: int) -> int:
        value = self.content.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UnsupportedModel(f"{key} must be a positive integer, not {value!r}")
        return value

    def number(self, key: str, default: float) -> float:
        value = self.content.get(key, default)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < math.inf:
            raise UnsupportedModel(f"{key} must be a positive number, not {value!r}")
        return float(value)

    def boolean(self, key: str) -> bool:
        value = self.content.get(key, False)
        if not isinstance(value, bool):
            raise UnsupportedModel(f"{key} must be true or false, not {value!r}")
        return value

    def activation(self, key: str) -> Activation:
        value = self.content.get(key, "gelu")
        if not isinstance(value, str) or value not in _ACTIVATIONS:
            raise UnsupportedModel(f"{key} {value!r} is not supported; {', '.join(_ACTIVATIONS)} are")
        return _ACTIVATIONS[value]

    def pooling(self) -> Literal["cls", "mean"]:
        value = self.content.get("classifier_pooling", "cls")
        if value not in ("cls", "mean"):
            raise UnsupportedModel(f"classifier_pooling {value!r} is not supported; cls and mean are")
        return value

    def special_ids(self) -> frozenset[int]:
        keys = ("bos_token_id", "cls_token_id", "eos_token_id", "sep_token_id")
        return frozenset(self.token_id(key) for key in keys if self.content.get(key) is not None)

    def token_id(self, key: str) -> int:
        value = self.content[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise UnsupportedModel(f"{key} must be a token id, not {value!r}")
        return value


def _local_layers(read: _Reader, layers: int) -> frozenset[int]:
    """transformers 5 names each layer's kind; before, every n-th was global."""
    kinds = read.content.get("layer_types")
    if kinds is None:
        every = read.integer("global_attn_every_n_layers", 3)
        return frozenset(i for i in range(layers) if i % every)
    if not isinstance(kinds, list) or len(kinds) != layers:
        raise UnsupportedModel(f"layer_types must name a kind for each of the {layers} layers")
    for kind in kinds:
        if kind not in _LAYER_TYPES:
            raise UnsupportedModel(
                f"layer_types: {kind!r} is not supported; {' and '.join(_LAYER_TYPES)} are"
            )
    return frozenset(i for i, kind in enumerate(kinds) if kind == "sliding_attention")


def _rope_theta(read: _Reader, kind: str, old_key: str, default: float) -> float:
    parameters = read.content.get("rope_parameters")
    if parameters is None:
        return read.number(old_key, default)
    if not isinstance(parameters, Mapping):
        raise UnsupportedModel(f"rope_parameters must be an object, not {parameters!r}")
    if unknown := parameters.keys() - set(_LAYER_TYPES):
        raise UnsupportedModel(
            f"rope_parameters: {sorted(unknown)} is not supported; one object per layer type is"
        )
    rope = parameters.get(kind) or {}
    if not isinstance(rope, Mapping):
        raise UnsupportedModel(f"rope_parameters: {kind} must be an object, not {rope!r}")
    reader = _Reader(rope)
    reader.refuse("rope_type", "other rotations than the default one are", harmless="default")
    reader.refuse("partial_rotary_factor", "partly rotated heads are", harmless=1)
    return reader.number("rope_theta", read.number(old_key, default))
