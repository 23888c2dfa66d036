"""A ModernBERT cross-encoder in torch, packed; see `torch_forward.py`."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from jrerank.models.architectures.modernbert.config import ModernBertConfig
from jrerank.models.architectures.torch_forward import Attention, Layers, PackedTokens, TorchWeights, activate

_Rotation = tuple[Tensor, Tensor]
_EMBEDDINGS = "model.embeddings"


class ModernBertForward:
    """See `TorchForward`."""

    def __init__(self, config: ModernBertConfig, weights: TorchWeights) -> None:
        """Take weights that are on their device already, in the type to compute in."""
        self._config = config
        self._layers = Layers(weights, config.norm_eps)
        self._head = self._layers.in_float32("model.final_norm", "head.dense", "head.norm", "classifier")
        self._table = weights[f"{_EMBEDDINGS}.tok_embeddings.weight"]
        device = self._table.device
        self._global_angles = _rope_angles(config, config.global_rope_theta, device)
        self._local_angles = _rope_angles(config, config.local_rope_theta, device)

    def __call__(self, tokens: PackedTokens, attention: Attention) -> Tensor:
        """See `TorchForward`."""
        rows = self._layers.norm(F.embedding(tokens.ids, self._table), f"{_EMBEDDINGS}.norm")
        rotations = _rotation(self._global_angles, tokens), _rotation(self._local_angles, tokens)
        for layer in range(self._config.num_layers):
            is_local = layer in self._config.local_layers
            rows = self._layer(rows, layer, rotations[is_local], tokens, attention)
        return self._logits(rows, attention)

    def _layer(
        self, rows: Tensor, layer: int, rotation: _Rotation, tokens: PackedTokens, attention: Attention
    ) -> Tensor:
        name = f"model.layers.{layer}"
        normed = self._layers.norm(rows, f"{name}.attn_norm") if layer else rows
        attended = self._attention(normed, layer, rotation, attention)
        if self._config.pooling == "cls" and layer == self._config.num_layers - 1:
            # Nobody reads the other rows: a tenth of all products for ten layers
            rows, attended = tokens.first_rows(rows), tokens.first_rows(attended)
        rows = rows + self._layers.linear(attended, f"{name}.attn.Wo")
        return rows + self._mlp(rows, name)

    def _attention(self, rows: Tensor, layer: int, rotation: _Rotation, attention: Attention) -> Tensor:
        config = self._config
        product = self._layers.linear(rows, f"model.layers.{layer}.attn.Wqkv")
        query, key, value = product.view(-1, 3, config.num_heads, config.head_dim).unbind(1)
        window = config.window_tokens if layer in config.local_layers else None
        heads = attention.attend(_rotate(query, rotation), _rotate(key, rotation), value, window)
        return heads.reshape(-1, config.hidden_size)

    def _mlp(self, rows: Tensor, name: str) -> Tensor:
        inner = self._layers.linear(self._layers.norm(rows, f"{name}.mlp_norm"), f"{name}.mlp.Wi")
        active, gate = inner.chunk(2, dim=-1)
        return self._layers.linear(activate(active, self._config.activation) * gate, f"{name}.mlp.Wo")

    def _logits(self, rows: Tensor, attention: Attention) -> Tensor:
        """The head, in float32. After the last layer of a `cls` model there is one row for each window."""
        normed = self._head.norm(rows.float(), "model.final_norm")
        pooled = normed if self._config.pooling == "cls" else attention.mean(normed)
        dense = activate(self._head.linear(pooled, "head.dense"), self._config.classifier_activation)
        return self._head.linear(self._head.norm(dense, "head.norm"), "classifier").squeeze(-1)


def _rope_angles(config: ModernBertConfig, theta: float, device: torch.device) -> _Rotation:
    """Cosines and sines of Su et al., "RoFormer" (2021), [positions, head_dim / 2] each.

    Frequencies and angles are rounded to float32 as transformers does: at position 1,000 the difference would show.
    """
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
    positions = torch.arange(config.max_positions, dtype=torch.float32)
    angles = torch.outer(positions, 1.0 / theta**exponents)
    return angles.cos().to(device), angles.sin().to(device)


def _rotation(angles: _Rotation, tokens: PackedTokens) -> _Rotation:
    """The angles of each token, [T, 1, head_dim / 2]."""
    cos, sin = angles
    return F.embedding(tokens.positions, cos)[:, None], F.embedding(tokens.positions, sin)[:, None]


def _rotate(heads: Tensor, rotation: _Rotation) -> Tensor:
    """Turn each head by its position, in float32."""
    cos, sin = rotation
    first, second = heads.float().chunk(2, dim=-1)
    turned = torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
    return turned.to(heads.dtype)
