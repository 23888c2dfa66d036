"""A `config.json` of BERT or RoBERTa."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jrerank.errors import UnsupportedModel
from jrerank.models.architectures.config_reader import Activation, ConfigReader


@dataclass(frozen=True, slots=True)
class PostNormConfig:
    """What the model depends on. The first token is at position `first_position`."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    position_rows: int
    first_position: int
    token_types: int
    norm_eps: float
    activation: Activation
    special_ids: frozenset[int]

    @property
    def max_tokens(self) -> int:
        """The longest window that there are positions for."""
        return self.position_rows - self.first_position

    @classmethod
    def from_json(cls, content: Mapping[str, object], *, first_position: int = 0) -> PostNormConfig:
        """Read a parsed `config.json`; what it leaves out has transformers' default.

        Raises:
            UnsupportedModel: a value that jrerank doesn't know.
        """
        read = ConfigReader(content)
        read.refuse("position_embedding_type", "relative positions are", "absolute")
        read.refuse("is_decoder", "decoders are")
        hidden, heads = read.integer("hidden_size", 768), read.integer("num_attention_heads", 12)
        if hidden % heads:
            raise UnsupportedModel(f"hidden_size {hidden} does not divide into {heads} heads")
        rows = read.integer("max_position_embeddings", 512)
        if rows <= first_position:
            raise UnsupportedModel(f"max_position_embeddings {rows}: positions begin at {first_position}")
        return cls(
            vocab_size=read.integer("vocab_size", 30_522),
            hidden_size=hidden,
            intermediate_size=read.integer("intermediate_size", 3072),
            num_layers=read.layers(12),
            num_heads=heads,
            position_rows=rows,
            first_position=first_position,
            token_types=read.integer("type_vocab_size", 2),
            norm_eps=read.number("layer_norm_eps", 1e-12),
            activation=read.activation("hidden_act"),
            special_ids=read.special_ids(),
        )
