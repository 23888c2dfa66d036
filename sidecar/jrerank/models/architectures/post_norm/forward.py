"""A BERT or RoBERTa cross-encoder in torch, packed; see `torch_forward.py`."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from jrerank.models.architectures.post_norm.config import PostNormConfig
from jrerank.models.architectures.post_norm.weights import TensorNames
from jrerank.models.architectures.torch_forward import Attention, Layers, PackedTokens, TorchWeights, activate


class PostNormForward:
    """See `TorchForward`."""

    def __init__(self, config: PostNormConfig, names: TensorNames, weights: TorchWeights) -> None:
        """Take weights that are on their device already, in the type to compute in."""
        self._config, self._names = config, names
        self._layers = Layers(weights, config.norm_eps)
        self._head = self._layers.in_float32(names.dense, names.classifier)

    def __call__(self, tokens: PackedTokens, attention: Attention) -> Tensor:
        """See `TorchForward`."""
        rows = self._embeddings(tokens)
        *inner, last = self._names.layers(self._config.num_layers)
        for name in inner:
            rows = self._mlp(rows, self._attended(rows, name, attention), name)
        # The head reads the first row of each window alone
        attended = self._attended(rows, last, attention)
        rows = self._mlp(tokens.first_rows(rows), tokens.first_rows(attended), last)
        dense = torch.tanh(self._head.linear(rows.float(), self._names.dense))
        return self._head.linear(dense, self._names.classifier).squeeze(-1)

    def _embeddings(self, tokens: PackedTokens) -> Tensor:
        name, weights = self._names.embeddings, self._layers.weights
        rows = F.embedding(tokens.ids, weights[f"{name}.word_embeddings.weight"])
        placed = tokens.positions + self._config.first_position
        rows = rows + F.embedding(placed, weights[f"{name}.position_embeddings.weight"])
        rows = rows + F.embedding(tokens.token_types, weights[f"{name}.token_type_embeddings.weight"])
        return self._layers.norm(rows, f"{name}.LayerNorm")

    def _attended(self, rows: Tensor, name: str, attention: Attention) -> Tensor:
        heads = self._config.num_heads
        query, key, value = (
            self._layers.linear(rows, f"{name}.attention.self.{part}").view(rows.shape[0], heads, -1)
            for part in ("query", "key", "value")
        )
        return attention.attend(query, key, value, None).reshape(rows.shape)

    def _mlp(self, rows: Tensor, attended: Tensor, name: str) -> Tensor:
        projected = self._layers.linear(attended, f"{name}.attention.output.dense")
        rows = self._layers.norm(projected + rows, f"{name}.attention.output.LayerNorm")
        inner = activate(self._layers.linear(rows, f"{name}.intermediate.dense"), self._config.activation)
        outer = self._layers.linear(inner, f"{name}.output.dense")
        return self._layers.norm(outer + rows, f"{name}.output.LayerNorm")
