"""A ModernBERT `config.json`, in the keys of transformers 4 and of transformers 5 alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from jrerank.errors import UnsupportedModel
from jrerank.models.architectures.config_reader import Activation, ConfigReader

_LAYER_TYPES = ("full_attention", "sliding_attention")
# Their angles are in the graph, and no tensor of the checkpoint says how many there are
MOST_POSITIONS = 131_072


@dataclass(frozen=True, slots=True)
class ModernBertConfig:
    """What the model depends on. The layers in `local_layers` see only `window_tokens` on each side."""

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
            UnsupportedModel: a value that jrerank doesn't know.
        """
        read = ConfigReader(content)
        read.refuse("rope_scaling", "stretched positions are")
        layers = read.layers(22)
        hidden, heads = read.integer("hidden_size", 768), read.integer("num_attention_heads", 12)
        if hidden % (2 * heads):
            raise UnsupportedModel(f"hidden_size {hidden} does not divide into {heads} heads of even size")
        return cls(
            vocab_size=read.integer("vocab_size", 50368),
            hidden_size=hidden,
            intermediate_size=read.integer("intermediate_size", 1152),
            num_layers=layers,
            num_heads=heads,
            max_positions=read.integer("max_position_embeddings", 8192, most=MOST_POSITIONS),
            norm_eps=read.number("norm_eps", 1e-5),
            norm_bias=read.boolean("norm_bias"),
            attention_bias=read.boolean("attention_bias"),
            mlp_bias=read.boolean("mlp_bias"),
            classifier_bias=read.boolean("classifier_bias"),
            activation=read.activation("hidden_activation"),
            classifier_activation=read.activation("classifier_activation"),
            pooling=_pooling(read),
            local_layers=_local_layers(read, layers),
            window_tokens=_window_tokens(read),
            global_rope_theta=_rope_theta(read, "full_attention", _global_theta(read)),
            local_rope_theta=_rope_theta(read, "sliding_attention", _local_theta(read)),
            special_ids=read.special_ids(),
        )


def _pooling(read: ConfigReader) -> Literal["cls", "mean"]:
    value = read.value("classifier_pooling", "cls")
    if value == "cls":
        return "cls"
    if value == "mean":
        return "mean"
    raise UnsupportedModel(f"classifier_pooling {value!r} is not supported; cls and mean are")


def _window_tokens(read: ConfigReader) -> int:
    """`local_attention` counts both sides, `sliding_window`, which transformers 5 lets win, only one."""
    return read.integer("sliding_window", read.integer("local_attention", 128) // 2, least=0)


def _local_layers(read: ConfigReader, layers: int) -> frozenset[int]:
    """transformers 5 names each layer's kind; before, every n-th was global."""
    kinds = read.value("layer_types", None)
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


def _global_theta(read: ConfigReader) -> float:
    return read.number("global_rope_theta", 160_000.0)


def _local_theta(read: ConfigReader) -> float:
    """In transformers 4 a null means that local layers turn as global ones do."""
    is_null = "local_rope_theta" in read.content and read.content["local_rope_theta"] is None
    return _global_theta(read) if is_null else read.number("local_rope_theta", 10_000.0)


def _rope_theta(read: ConfigReader, kind: str, default: float) -> float:
    parameters = read.value("rope_parameters", {})
    if not isinstance(parameters, Mapping):
        raise UnsupportedModel(f"rope_parameters must be an object, not {parameters!r}")
    if unknown := parameters.keys() - set(_LAYER_TYPES):
        raise UnsupportedModel(
            f"rope_parameters: {sorted(unknown)} is not supported; one object per layer type is"
        )
    rope = parameters.get(kind) or {}
    if not isinstance(rope, Mapping):
        raise UnsupportedModel(f"rope_parameters: {kind} must be an object, not {rope!r}")
    reader = ConfigReader(rope)
    reader.refuse("rope_type", "other rotations than the default one are", "default")
    reader.refuse("partial_rotary_factor", "partly rotated heads are", 1)
    return reader.number("rope_theta", default)
